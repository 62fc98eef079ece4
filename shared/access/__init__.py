"""Who may do what: keys, scopes, and the authorizer that checks them."""
