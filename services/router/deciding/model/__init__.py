"""What a company's own labels taught: a small linear model beside the lexicon, pure."""
