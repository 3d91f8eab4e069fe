"""Model files: what they say of themselves, whether they are whole, and what loads them."""

from infonet.model.load import DEFAULT_MODEL, Model, load_model

__all__ = ["DEFAULT_MODEL", "Model", "load_model"]
