"""What people's decisions teach the router: labels, models, and how well it decides."""
