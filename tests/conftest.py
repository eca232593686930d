"""What holds for every test."""

import os

# Several workers share the cores: one thread each is faster for all of them. Set before torch is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
