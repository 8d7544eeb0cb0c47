"""Makes the helper modules beside the tests importable under `--import-mode=importlib`; rules that crash raise here."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["TRAINVITALS_STRICT"] = "1"
