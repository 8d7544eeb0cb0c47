"""One module a page, each with a function `show` that draws it anew after every interaction."""
