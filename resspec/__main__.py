"""`python -m resspec`."""

import sys

from resspec.cli import main

sys.exit(main())
