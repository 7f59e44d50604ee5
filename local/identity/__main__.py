"""`python -m local.identity`: serve until told to stop."""

import sys

import uvicorn

from integrations.telemetry import configure_telemetry
from local.identity.app import create_app
from local.identity.seed import demo_people
from local.identity.settings import IdentitySettingsError, read_identity_settings
from local.layout import LayoutError
from local.standin.gate import keep_transport


def main() -> None:
    """Serve on the port that the environment or the layout gives."""
    configure_telemetry("identity")
    try:
        settings = read_identity_settings()
    except (IdentitySettingsError, LayoutError) as error:
        sys.exit(f"identity: {error}")
    uvicorn.run(
        keep_transport(create_app(settings, people=demo_people)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
