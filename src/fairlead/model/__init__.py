"""The nouns: frozen values that every room may hold; they import nothing but each other."""
