"""How English words sound: phones, syllables, and what makes two syllables rhyme."""
