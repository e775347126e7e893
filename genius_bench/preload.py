"""Imported once by the server that stages fork from: what takes seconds to import and touches no device."""

import torch  # noqa: F401
import transformers  # noqa: F401
