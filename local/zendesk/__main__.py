"""``python -m local.zendesk``."""

from local.standin.run import main
from local.zendesk.service import build

main("zendesk", build)
