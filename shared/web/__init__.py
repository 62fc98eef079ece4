"""How every service speaks HTTP: problems, strict bodies, keys, paging, health, documents."""
