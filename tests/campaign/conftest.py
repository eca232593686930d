"""A thread for each of the processes that share the cores: set before torch is first imported."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
