"""OKX: spot and perpetual swaps over its v5 interface, one folder since hosts and signing are shared."""
