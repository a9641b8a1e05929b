from .stills import draw_stills as draw_stills
