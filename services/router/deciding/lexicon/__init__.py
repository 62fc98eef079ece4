"""The words that ship: terms written from general knowledge over many industries, German and
English, for the technical and the general desk, and how they are found and weighed.
"""
