"""The running simulator, the clients led to it, and the person who consents."""

import subprocess
from pathlib import Path
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from proof import same
from quickbooks import QuickBooks

REALM, OTHER_REALM = "9341450000000001", "9341450000000002"
APP, SECRET, CALLBACK = "published-clients", "published-clients-secret", "https://app.example/qbo/callback"

SEED = {
    "clients": [{"client_id": APP, "client_secret": SECRET, "redirect_uris": [CALLBACK]}],
    "companies": [
        {
            "realm_id": REALM,
            "name": "Contoso",
            "items": [{"Name": "Widget", "Sku": "WID-1", "UnitPrice": 49.99}],
            # python-quickbooks writes each Decimal as a text.
            "switches": {"quoted_numbers": "read"},
        },
        {"realm_id": OTHER_REALM, "name": "Fabrikam"},
    ],
}


# Where they stand beside the checkout.
XSD = Path(__file__).resolve().parents[3] / "shared/reference/quickbooks-data/xsd"


class Simulator:
    """The running stand-in and its control routes."""

    def __init__(self, binary):
        command = [binary, "quickbooks", "--port", "0"]
        if XSD.is_dir():
            command += ["--xsd", str(XSD)]
        else:
            print("skipped: no body is held against Intuit's XSDs, which are not beside the checkout", flush=True)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), f"{binary} serves nothing"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def control(self, name, body):
        answer = requests.post(f"{self.url}/_sim/{name}", json=body)
        assert answer.ok, answer.text

    def unexpected_calls(self):
        calls = requests.get(f"{self.url}/_sim/calls").json()["calls"]
        return [(call["method"], call["path"]) for call in calls if call["unexpected"]]

    def nonconforming(self):
        """What Intuit's XSDs do not allow in the simulator's answers. The client's own bodies are its own affair: it writes
        numbers as text and dates as nothing, which the simulator takes because it was told to."""
        found = requests.get(f"{self.url}/_sim/nonconforming").json()["nonconforming"]
        return [one for one in found if one["side"] == "answer"]

    def auth_client(self, secret=SECRET):
        # intuit-oauth takes whatever is neither "sandbox" nor "production" as the discovery document's address.
        discovery = f"{self.url}/.well-known/openid_configuration"
        return AuthClient(APP, secret, CALLBACK, discovery)

    def quickbooks(self, auth, realm=REALM):
        class Here(QuickBooks):
            api_url_v3 = f"{self.url}/v3"

        # The tokens are copied into a session: after a refresh a new client is due.
        return Here(auth_client=auth, company_id=realm, minorversion=75, use_decimal=True)


class ConsentForm(HTMLParser):
    """The one form of the consent page: what it would send, and the companies it offers."""

    def __init__(self, page):
        super().__init__()
        self.form, self.fields, self.companies = {}, {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.form = attrs
        if tag == "input" and attrs.get("type") == "hidden":
            self.fields[attrs["name"]] = attrs["value"]
        if tag == "input" and attrs.get("name") == "realm_id":
            self.companies.append(attrs["value"])


def consent(auth, **decision):
    """A person follows the app's link and decides; answers what the app is told at its callback."""
    link = auth.get_authorization_url([Scopes.ACCOUNTING])
    page = requests.get(link)
    asked = ConsentForm(page.text)
    assert page.ok and asked.form["method"] == "post" and REALM in asked.companies, page.text
    sent = requests.post(
        urljoin(link, asked.form["action"]), data={**asked.fields, **decision}, allow_redirects=False
    )
    back = sent.headers["location"]
    assert back.startswith(CALLBACK), back
    told = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    same("the callback brings back the state", told["state"], auth.state_token)
    return told
