"""What all tests share: properties that are the same in every CI run."""

import os

from hypothesis import settings

# Elsewhere hypothesis tries other examples each time; a change must not fail for an old reason.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")
