"""The app: adjust an assumption and see what follows."""

from __future__ import annotations

from pathlib import Path

import sidebar
from parts import door as st, last_words, widgets
from state import heaps, session, sign_in
from views import assumptions, export, lost, overview, record, scenarios, track_record, update, why

st.set_page_config(page_title="riskcast", page_icon=str(Path(__file__).with_name("icon.png")), layout="wide")
st.html(widgets.ROOM)
heaps.limit_arenas()
sign_in.require()
page = None
with last_words.spoken():
    session.view()
    home = st.Page(overview.show, title="Overview", default=True)
    page = st.navigation(
        [
            home,
            st.Page(assumptions.show, title="Assumptions", url_path="assumptions"),
            st.Page(scenarios.show, title="Scenarios", url_path="scenarios"),
            st.Page(why.show, title="Why", url_path="why"),
            st.Page(record.show, title="Record", url_path="record"),
            st.Page(update.show, title="Update", url_path="update"),
            st.Page(track_record.show, title="Track record", url_path="track_record"),
            st.Page(export.show, title="Export", url_path="export"),
            *lost.pages(home),
        ],
        position="top",
    )
    sidebar.show()
if page is not None:
    # The sidebar stands, and with it the way back, whatever a page does.
    with last_words.spoken():
        page.run()
    session.write_address()
