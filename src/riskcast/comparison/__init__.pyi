from .attribute_changes import Difference as Difference, diff as diff
from .changes import describe_changes as describe_changes
