from .attribute_changes import Difference as Difference, diff as diff
from .change_splits import ChangePart as ChangePart, ChangeSplit as ChangeSplit, WhatChanged as WhatChanged
from .changes import describe_changes as describe_changes
from .what_changed import changed as changed
