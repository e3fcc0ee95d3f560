"""Pages: sign-in, portal, console. They parse, call one service and render; no rules of the business here."""
