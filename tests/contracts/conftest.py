"""What contract suites share."""

from tests.models.bundled import models_dir as models_dir
