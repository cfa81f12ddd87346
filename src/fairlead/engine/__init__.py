"""The only rooms that act: they carry words between venues, judges and users, and never learn a venue's name."""
