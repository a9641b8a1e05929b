from .bundles import read_bundle as read_bundle, write_bundle as write_bundle
from .making import Run as Run, run as run
from .reruns import Rerun as Rerun, rerun as rerun
