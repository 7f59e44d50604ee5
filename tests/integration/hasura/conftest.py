"""The golden database."""

from tests.golden.world import golden_database_url, golden_source, golden_template, quiet

__all__ = ["golden_database_url", "golden_source", "golden_template", "quiet"]
