"""The landscape page in parts: sliders for each loss, its pictures, and the loss around trained weights."""
