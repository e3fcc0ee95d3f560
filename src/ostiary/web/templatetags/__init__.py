"""Template tags: thin names for what `ostiary.web.design` draws."""
