"""``python -m local.iterable``."""

from local.iterable.service import build
from local.standin.run import main

main("iterable", build)
