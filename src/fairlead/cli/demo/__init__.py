"""The demo: simulated venues, live books, things going wrong one after the other, and each of them mended."""
