"""Every ready map on a few invented rows in the columns of the file that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from riskcast.imports.importing import Imported, import_tables, panel_frame
from riskcast.imports.maps import list_maps, load_map, map_text, read_map

# By map: separator, header, rows, and what some cells are to be: (dyad, period, column): value.
type Extract = tuple[str, str, tuple[str, ...], Mapping[tuple[str, str, str], object]]
GDELT = load_map("gdelt").read.header or ()


def gdelt(**cells: object) -> str:
    plain = {"GLOBALEVENTID": 1, "SQLDATE": "20140305", "IsRootEvent": 1, "QuadClass": 4, "AvgTone": "-2.5"} | cells
    return "\t".join(str(plain.get(name, "")) for name in GDELT)


TABS_ICEWS = (
    "Event ID\tEvent Date\tSource Name\tSource Country\tEvent Text\tCAMEO Code\tIntensity\tTarget Name\tTarget Country"
)
TABS_POLECAT = (
    "Event ID\tEvent Date\tEvent Type\tEvent Mode\tIntensity\tQuad Code\tContexts\tActor Name\tActor Country\t"
    "Actor COW\tRecipient Name\tRecipient Country\tRecipient COW"
)
EXTRACTS: dict[str, Extract] = {
    "ucdp_ged": (
        ",",
        "id,type_of_violence,side_a,side_b,date_prec,date_start,best,gwnoa,gwnob",
        (
            "1,1,Government of A,Government of B,1,2020-07-12 00:00:00.000,4,371,373",
            "2,1,Government of A,Government of B,2,2020-07-14 00:00:00.000,30,371,373",
            "3,1,Government of A,Some rebels,1,2020-07-15 00:00:00.000,9,371,",
            "4,1,Government of A,Government of B,5,2020-07-01 00:00:00.000,9,371,373",
            "5,3,Government of A,Civilians,1,2020-07-15 00:00:00.000,9,371,",
            "6,1,Government of A,Some rebels,1,2020-08-31 00:00:00.000,9,371,",
        ),
        {
            ("ARM-AZE", "2020-07", "clash"): 2,
            ("ARM-AZE", "2020-07", "battle_deaths"): 34,
            ("ARM-AZE", "2020-08", "clash"): 0,
        },
    ),
    "ucdp_dyadic": (
        ",",
        "dyad_id,conflict_id,side_a,side_b,year,intensity_level,type_of_conflict,gwno_a,gwno_b",
        (
            "7,1,Government of X,Government of Y,1999,2,2,750,770",
            "7,1,Government of X,Government of Y,2003,1,2,750,770",
            "8,2,Government of X,Rebels,2003,1,3,750,",
        ),
        {("IND-PAK", "1999", "large_war"): 1, ("IND-PAK", "2003", "large_war"): 0, ("IND-PAK", "2003", "war"): 1},
    ),
    "acled": (
        ",",
        "event_id_cnty,event_date,time_precision,event_type,actor1,actor2,fatalities,notes",
        (
            "K1,16 September 2022,1,Battles,Military Forces of Kyrgyzstan (2021-) Border Guards,"
            "Military Forces of Tajikistan (1994-),5,Shots were fired.",
            "K2,30 September 2022,1,Protests,Protesters (Kyrgyzstan),,0,A march.",
            "K1,16 September 2022,1,Battles,Military Forces of Kyrgyzstan (2021-) Border Guards,"
            "Military Forces of Tajikistan (1994-),7,Corrected.",
        ),
        {("KGZ-TJK", "2022-09", "clash"): 1, ("KGZ-TJK", "2022-09", "deadly_clash"): 7},
    ),
    "gdelt": (
        "\t",
        "",
        (
            *(gdelt(GLOBALEVENTID=n, Actor1CountryCode="RUS", Actor2CountryCode="ROM") for n in range(20)),
            gdelt(GLOBALEVENTID=90, Actor1CountryCode="ROM", Actor2CountryCode="RUS", QuadClass=3),
            gdelt(GLOBALEVENTID=91, SQLDATE="20140430", Actor1CountryCode="RUS"),
            gdelt(GLOBALEVENTID=92, Actor1CountryCode="RUS", Actor2CountryCode="ROM", IsRootEvent=0),
        ),
        {
            ("RUS-ROU", "2014-03", "force"): 20,
            ("ROU-RUS", "2014-03", "force"): 0,
            ("ROU-RUS", "2014-03", "threats"): 1,
            ("RUS-ROU", "2014-04", "tone"): -2.5,
        },
    ),
    "icews": (
        "\t",
        TABS_ICEWS,
        (
            *(
                f"{n}\t2011-05-03\tPolice\tRussian Federation\tUse force\t190\t-10\tPolice\tTajikistan"
                for n in range(19)
            ),
            "50\t2011-05-04\tGovernment\tTajikistan\tDemand\t100\t-5\tGovernment\tRussian Federation",
            "51\t2011-05-31\tGovernment\tTajikistan\tArrest\t173\t-5\tCitizen\tTajikistan",
            "50\t2011-05-31\tGovernment\tTajikistan\tDemand\t100\t-5\tGovernment\tRussian Federation",
        ),
        {("RUS-TJK", "2011-05", "force"): 19, ("TJK-RUS", "2011-05", "threats"): 2},
    ),
    "polecat": (
        "\t",
        TABS_POLECAT,
        (
            *(
                f"P{n}\t2022-02-24\tASSAULT\tshell\t-9\tMATERIAL CONFLICT\tmilitary\tA\tRUS\t365\tB\tUKR\t369"
                for n in range(20)
            ),
            "Q1\t2022-02-25\tACCUSE\tNone\t-2\tVERBAL CONFLICT\tNone\tB\tUKR\t369\tA\tRUS\t365",
            "Q2\t2022-03-31\tACCUSE\tNone\tNone\tVERBAL CONFLICT\tNone\tB\tUKR; POL\tNone\tA\tRUS\t365",
            "Q3\t2022-03-31\tACCUSE\tNone\tNone\tVERBAL CONFLICT\tNone\tNone\tNone\tNone\tA\tRUS\t365",
        ),
        {("RUS-UKR", "2022-02", "force"): 20, ("UKR-RUS", "2022-02", "threats"): 1},
    ),
    "mid": (
        ",",
        "disno,statea,stateb,strtday,strtmnth,strtyr,endday,endmnth,endyear,year,hihost",
        ("1,2,20,15,3,1974,-9,3,1974,1974,3", "2,20,2,-9,-9,1991,1,2,1993,1991,4", "2,20,2,-9,-9,1991,1,2,1993,1992,4"),
        {
            ("CAN-USA", "1974", "dispute"): 1,
            ("CAN-USA", "1974", "force"): 0,
            ("CAN-USA", "1992", "onset"): 0,
            ("CAN-USA", "1993", "force"): 1,
            ("CAN-USA", "1994", "dispute"): 0,
        },
    ),
    "gml": (
        ",",
        "dispnum,ccode1,ccode2,year,midongoing,midonset,hostlev1",
        ("9,2,20,1974,1,1,4", "9,20,2,1974,1,1,3", "9,2,20,1975,1,0,2", "9,20,2,1975,1,0,-9"),
        {("CAN-USA", "1974", "onset"): 1, ("CAN-USA", "1975", "onset"): 0, ("CAN-USA", "1975", "dispute"): 1},
    ),
    "ai_gpr_pairs": (
        ",",
        "Date,GPR_AI,USA|China,China|USA,UK|South Korea,Atlantis|UK",
        ("2020-01-01,90,3.5,1.5,,4", "2020-02-01,91,2,,1,"),
        {("CHN-USA", "2020-02", "gpr"): 5.0},
    ),
    "vdem": (
        ",",
        "country_name,COWcode,year,v2x_polyarchy,v2x_libdem",
        ("Mexico,70,1999,0.6,0.4", "Mexico,70,2000,0.7,0.5", "Palestine,,2000,0.2,0.1"),
        {("MEX", "2000", "polyarchy"): 0.6, ("MEX", "2001", "liberal"): 0.5},
    ),
    "world_bank": (
        ",",
        "economy,year,NY.GDP.MKTP.KD,SP.POP.TOTL",
        ("KAZ,2001,100,15", "KAZ,2002,110,16", "WLD,2001,9,9"),
        {("KAZ", "2002", "product"): 100.0},
    ),
}


def imported(folder: Path, name: str, changed: tuple[str, str] = ("", "")) -> Imported:
    separator, header, rows, _ = EXTRACTS[name]
    file = folder / f"{name}.{'tsv' if separator == chr(9) else 'csv'}"
    file.write_text("\n".join([header, *rows] if header else rows) + "\n", encoding="utf-8")
    return import_tables([file], [read_map(map_text(name).replace(*changed))])


def test_every_ready_map_is_tried() -> None:
    assert set(EXTRACTS) == set(list_maps())


@pytest.mark.parametrize("name", sorted(EXTRACTS))
def test_a_ready_map_reads_its_file(tmp_path: Path, name: str) -> None:
    found = imported(tmp_path, name)
    [report] = found.reports
    # Of columns that become rows, each cell is one.
    read = 5 if name == "ai_gpr_pairs" else len(EXTRACTS[name][2])
    assert report.read == read == report.taken + report.dropped
    assert found.table is not None
    cells: dict[tuple[Any, Any], dict[str, Any]] = {
        (row["dyad"], row["period"]): row for row in panel_frame(found.table).iter_rows(named=True)
    }
    for (unit, period, column), value in EXTRACTS[name][3].items():
        assert cells[unit, period][column] == value, (unit, period, column)


def test_single_states_enter_pairs(tmp_path: Path) -> None:
    _, header, rows, _ = EXTRACTS["mid"]
    mid, democracies = tmp_path / "mid.csv", tmp_path / "vdem.csv"
    mid.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    democracies.write_text(
        "COWcode,year,v2x_polyarchy,v2x_libdem\n2,1973,0.8,0.7\n20,1973,0.9,0.8\n2,1974,0.7,0.6\n", encoding="utf-8"
    )
    table = import_tables([mid, democracies], [load_map("mid"), load_map("vdem")]).table
    assert table is not None
    rows_of = {row["period"]: row for row in panel_frame(table).iter_rows(named=True)}
    assert (rows_of["1974"]["polyarchy_min"], rows_of["1974"]["polyarchy_max"]) == (0.8, 0.9)
    # Of 1974 one of the two states is not known: neither the least nor the greatest is.
    assert rows_of["1975"]["polyarchy_min"] is None
