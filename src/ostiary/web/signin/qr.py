"""Draws a QR code as a picture that a page can hold without any script or style of its own."""

import base64
from io import BytesIO

import qrcode
from qrcode.image.svg import SvgPathFillImage


def qr_code(text: str) -> str:
    """Return `text` as a `data:` address of an SVG picture, black on white whatever the page's colours."""
    code = qrcode.QRCode(border=2, image_factory=SvgPathFillImage)
    code.add_data(text)
    code.make(fit=True)
    file = BytesIO()
    code.make_image().save(file)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
