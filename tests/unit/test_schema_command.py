"""`caregraph schema` prints what a role sees, and what an agent does."""

from typer.testing import CliRunner

from server.cli.main import app
from server.sdl import agents_of, render_sdl


def test_it_prints_an_agents_part_of_role_service() -> None:
    printed = CliRunner().invoke(app, ["schema", "--role", "service", "--agent", "identity"])
    assert printed.exit_code == 0
    assert printed.output == render_sdl("service", "identity")
    assert "update_staff_by_pk" in printed.output
    assert "contract_by_pk" not in printed.output
    assert len(printed.output) < len(render_sdl("service")) / 5


def test_it_names_the_agents_that_there_are() -> None:
    answer = CliRunner().invoke(app, ["schema", "--role", "service", "--agent", "nobody"])
    assert answer.exit_code == 1
    assert f"It has parts for: {', '.join(agents_of('service'))}." in answer.output
    answer = CliRunner().invoke(app, ["schema", "--role", "user", "--agent", "identity"])
    assert answer.exit_code == 1
    assert "It has parts for: none, leave --agent out." in answer.output
