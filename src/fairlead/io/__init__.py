"""The only rooms with windows: clock, HTTP, sockets; what they bring in is handed up as values, never judged here."""
