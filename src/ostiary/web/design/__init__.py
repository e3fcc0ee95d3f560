"""The design system: what every page is made of. Tokens and styles are in `static/ostiary`; pages do not live here."""
