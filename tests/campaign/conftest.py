"""One thread for each worker process, set before torch is first imported."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
