from .case_files import copy_case as copy_case
from .editing import Update as Update, keep_vintage as keep_vintage
from .journal import Entry as Entry
from .operations import (
    NewDay as NewDay,
    NewEvent as NewEvent,
    NewNumbers as NewNumbers,
    NewSource as NewSource,
    NewValue as NewValue,
    Searched as Searched,
)
from .row_files import read_event_file as read_event_file, read_value_file as read_value_file
from .stale import (
    Staleness as Staleness,
    StaleSeries as StaleSeries,
    Unsearched as Unsearched,
    find_stale as find_stale,
)
from .steps import (
    add_event as add_event,
    add_source as add_source,
    add_value as add_value,
    edit_case as edit_case,
    list_vintages as list_vintages,
    mark_checked as mark_checked,
    read_journal as read_journal,
    roll_case as roll_case,
    set_quantity as set_quantity,
    undo_edit as undo_edit,
)
