"""`fairlead chaos`: one thing goes wrong at a time under a bot, yours or ours, and the venue's ledger judges."""
