"""How often inquiries were dismissed as netiquette or spam, and what became of appeals."""
