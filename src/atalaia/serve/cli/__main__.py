"""`python -m atalaia.serve.cli` is `atalaia`: how background processes are started."""

import sys

from atalaia.serve.cli import main

sys.exit(main())
