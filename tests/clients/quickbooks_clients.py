"""The QuickBooks simulator, judged by clients we did not write: python-quickbooks and Intuit's own intuit-oauth.

    python3 -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    cargo build -p simulators && target/clients/bin/python -B tests/clients/quickbooks_clients.py

It starts the simulator on a free port (the binary can be named as the only argument), signs in as a person would, and
creates, reads, queries, changes, sends, voids and deletes documents. Each line it prints is one thing proved; the first
that does not hold ends it with a traceback and status 1. What a fault becomes is the clients' choice, not ours: they sort
by code, have no type of their own for 5000 to 9999, and read the gateway's answers by status alone.

The libraries run as published. Three settings of theirs lead them here, and nothing is patched:
the discovery address stands where AuthClient takes an environment, the API's address is an attribute of QuickBooks, and
oauthlib accepts plain HTTP when a variable says so.
"""

import json
import os
import signal
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from proof import money, not_signed_in, proved, refused, same
from quickbooks.batch import BatchManager, batch_create, batch_delete, batch_update
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import (
    AuthorizationException,
    GeneralException,
    ObjectNotFoundException,
    QuickbooksException,
    SevereException,
    UnsupportedException,
    ValidationException,
)
from quickbooks.objects.account import Account
from quickbooks.objects.base import EmailAddress
from quickbooks.objects.customer import Customer
from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
from quickbooks.objects.estimate import Estimate
from quickbooks.objects.invoice import Invoice
from quickbooks.objects.item import Item
from quickbooks.objects.payment import Payment, PaymentLine
from quickbooks.objects.salesreceipt import SalesReceipt
from simulated import OTHER_REALM, REALM, SEED, Simulator, consent

BINARY = Path(__file__).resolve().parents[2] / "target/debug/simulators"
DOCUMENTS = [Invoice, Estimate, SalesReceipt]
LONGEST_RUN_S = 60


def signs_in(simulator):
    auth = simulator.auth_client()
    proved("AuthClient reads the discovery document", auth.token_endpoint.startswith(simulator.url))
    same("a person who refuses is told to the app", consent(auth, refuse="true").get("error"), "access_denied")
    with not_signed_in("a code nobody gave out", 400, "invalid_grant"):
        auth.get_bearer_token("made-up", realm_id=REALM)
    told = consent(auth, realm_id=REALM)
    same("the callback names the company chosen", told["realmId"], REALM)
    auth.get_bearer_token(told["code"], realm_id=told["realmId"])
    same("a code becomes tokens for an hour", (bool(auth.access_token), auth.expires_in), (True, 3600))
    stranger = simulator.auth_client(secret="guessed")
    with not_signed_in("a wrong secret", 401, "invalid_client"):
        stranger.refresh(auth.refresh_token)
    return auth, told["code"]


def created_customer(qb):
    customer = Customer()
    customer.DisplayName = "O'Brien & Søn"
    customer.GivenName, customer.FamilyName = "Ana", "O'Brien"
    customer.PrimaryEmailAddr = EmailAddress()
    customer.PrimaryEmailAddr.Address = "ana@obrien.example"
    customer = customer.save(qb=qb)
    found = Customer.filter(Active=True, DisplayName="O'Brien & Søn", qb=qb)
    same("Customer: created, and found by an escaped name", [row.Id for row in found], [customer.Id])
    customer.CompanyName = "O'Brien & Søn A/S"
    changed = customer.save(qb=qb)
    same("Customer: saved in full", (changed.CompanyName, changed.SyncToken), ("O'Brien & Søn A/S", "1"))
    same("Customer: read back", Customer.get(customer.Id, qb=qb).CompanyName, "O'Brien & Søn A/S")
    return changed


def items_live(qb):
    (seeded,) = Item.all(qb=qb)
    same("Item: listed with its Sku", (seeded.Sku, money(seeded.UnitPrice)), ("WID-1", "49.99"))
    made = Item()
    made.Name, made.Type, made.Sku, made.UnitPrice = "Fitting", "Service", "FIT-1", Decimal("12.50")
    made.IncomeAccountRef = Account.filter(AccountType="Income", qb=qb)[0].to_ref()
    made = made.save(qb=qb)
    same("Item: created", (made.Sku, money(made.UnitPrice)), ("FIT-1", "12.5"))
    made.UnitPrice = Decimal("13.75")
    same("Item: saved in full", money(made.save(qb=qb).UnitPrice), "13.75")
    return seeded


def line(item, quantity, price):
    sold = SalesItemLine()
    sold.SalesItemLineDetail = SalesItemLineDetail()
    sold.SalesItemLineDetail.ItemRef = item.to_ref()
    sold.SalesItemLineDetail.Qty = quantity
    sold.SalesItemLineDetail.UnitPrice = Decimal(price)
    sold.Amount = quantity * Decimal(price)
    return sold


def document(kind, customer, item, quantity=3, price="49.99"):
    made = kind()
    made.CustomerRef = customer.to_ref()
    made.Line = [line(item, quantity, price)]
    return made


def documents_live(qb, kind, customer, item):
    """Create, read, query, page, update: the same for all three."""
    name = kind.qbo_object_name
    made = [document(kind, customer, item, n, "200.10").save(qb=qb) for n in (1, 2, 3)]
    amounts = [money(row.TotalAmt) for row in made]
    same(f"{name}: created, with exact totals", amounts, ["200.10", "400.20", "600.30"])
    ids, first = [row.Id for row in made], made[0]
    read = kind.get(first.Id, qb=qb)
    same(f"{name}: read back", (read.DocNumber, money(read.TotalAmt)), (first.DocNumber, "200.10"))

    by_number = kind.filter(DocNumber=first.DocNumber, qb=qb)
    same(f"{name}: found by number", [row.Id for row in by_number], ids[:1])
    large = kind.where("TotalAmt > '300'", order_by="TotalAmt DESC", qb=qb)
    same(f"{name}: found by total, ordered", [money(row.TotalAmt) for row in large], ["600.30", "400.20"])
    same(f"{name}: chosen by Id", sorted(row.Id for row in kind.choose(ids[1:], qb=qb)), sorted(ids[1:]))
    same(f"{name}: counted", (kind.count(qb=qb), kind.count("TotalAmt > '300'", qb=qb)), (3, 2))
    pages = [kind.all(start_position=start, max_results=2, qb=qb) for start in (1, 3, 5)]
    same(f"{name}: paged", [len(page) for page in pages], [2, 1, 0])
    same(f"{name}: no page repeats another", sorted(row.Id for page in pages for row in page), sorted(ids))

    note = {"Id": first.Id, "SyncToken": read.SyncToken, "sparse": True, "PrivateNote": "sparsely"}
    sparse = kind.from_json(qb.update_object(name, json.dumps(note))[name])
    told = (sparse.PrivateNote, sparse.SyncToken, money(sparse.TotalAmt))
    same(f"{name}: changed sparsely", told, ("sparsely", "1", "200.10"))
    sparse.Line[0].Description = "two more"
    sparse.Line.append(line(item, 2, "0.05"))
    full = sparse.save(qb=qb)
    told = (full.PrivateNote, full.SyncToken, money(full.TotalAmt), full.Line[0].Description)
    same(f"{name}: saved in full", told, ("sparsely", "2", "200.20", "two more"))
    once = document(kind, customer, item).save(qb=qb, request_id=f"once-{name}")
    again = document(kind, customer, item).save(qb=qb, request_id=f"once-{name}")
    same(f"{name}: a request id makes one document of two requests", again.Id, once.Id)
    once.delete(qb=qb)
    with refused(f"{name}: reading a deleted one", ObjectNotFoundException, 610):
        kind.get(once.Id, qb=qb)
    return full


def documents_end(qb, live):
    """Send, void and delete, as far as each can be."""
    for kind in (Invoice, Estimate):
        name = kind.qbo_object_name
        sent = live[kind].send(qb=qb, send_to="ap+1@obrien.example")[name]
        told = (sent["EmailStatus"], sent["BillEmail"]["Address"])
        same(f"{name}: sent", told, ("EmailSent", "ap+1@obrien.example"))
    for kind in (Invoice, SalesReceipt):
        name = kind.qbo_object_name
        kind.get(live[kind].Id, qb=qb).void(qb=qb)
        void = kind.get(live[kind].Id, qb=qb)
        told = (money(void.TotalAmt), money(void.Balance), void.PrivateNote)
        proved(f"{name}: voided", told[:2] == ("0", "0") and told[2].startswith("Voided"))
    # The API voids no estimates, and the client has no way to ask.
    gone = Estimate.get(live[Estimate].Id, qb=qb).delete(qb=qb)["Estimate"]
    same("Estimate: deleted", (gone["Id"], gone["status"]), (live[Estimate].Id, "Deleted"))


def payment_lives(qb, customer, item):
    invoice = document(Invoice, customer, item).save(qb=qb)
    payment = Payment()
    payment.CustomerRef, payment.TotalAmt = customer.to_ref(), Decimal("100.00")
    share = PaymentLine()
    share.Amount, share.LinkedTxn = Decimal("100.00"), [invoice.to_linked_txn()]
    payment.Line = [share]
    payment = payment.save(qb=qb)
    paid = Invoice.get(invoice.Id, qb=qb)
    told = (money(payment.UnappliedAmt), money(paid.Balance), paid.LinkedTxn[0].TxnId)
    same("Payment: created, and the invoice owes the rest", told, ("0", "49.97", payment.Id))
    paid.PrivateNote = "partly paid"
    saved = paid.save(qb=qb)
    same("Invoice: a paid one saved in full stays paid", money(saved.Balance), "49.97")
    payment.void(qb=qb)
    void, owed = Payment.get(payment.Id, qb=qb), Invoice.get(invoice.Id, qb=qb)
    told = (money(void.TotalAmt), money(owed.Balance))
    same("Payment: voided, and the invoice is owed again", told, ("0", "149.97"))
    Payment.get(payment.Id, qb=qb).delete(qb=qb)
    same("Payment: deleted", Payment.count(qb=qb), 0)


def batches_work(qb, customer, item):
    bad = Invoice()
    bad.CustomerRef = customer.to_ref()
    answer = batch_create([document(kind, customer, item) for kind in DOCUMENTS] + [bad], qb=qb)
    kinds = sorted(row.qbo_object_name for row in answer.successes)
    same("batch: three documents created", kinds, ["Estimate", "Invoice", "SalesReceipt"])
    told = [(fault.original_object is bad, fault.Error[0].code) for fault in answer.faults]
    same("batch: the fourth is a fault of its own", told, [(True, "2020")])
    for row in answer.successes:
        row.PrivateNote = "in a batch"
    changed = batch_update(answer.successes, qb=qb).successes
    same("batch: three updated", [row.PrivateNote for row in changed], ["in a batch"] * 3)
    gone = batch_delete(changed, qb=qb)
    same("batch: three deleted", (len(gone.successes), gone.faults), (3, []))
    with refused("a batch of 31", GeneralException, 1040):
        many = [document(Invoice, customer, item) for _ in range(31)]
        BatchManager("create", max_request_items=31).save(many, qb=qb)
    return {row.qbo_object_name: row.Id for row in changed}


def changes_are_followed(qb, customer, deleted):
    # As the client writes it, without an offset.
    since = datetime.now() - timedelta(days=2)
    changes = change_data_capture([Customer, *DOCUMENTS, Payment], since, qb=qb)
    same("CDC: the customer", [row.Id for row in changes.Customer], [customer.Id])
    for kind in DOCUMENTS:
        name = kind.qbo_object_name
        rows = {row.Id: getattr(row, "status", None) for row in getattr(changes, name)}
        proved(f"CDC: {name}, deleted ones marked", rows[deleted[name]] == "Deleted" and None in rows.values())


def faults_are_told_apart(qb, customer, item):
    with refused("a customer's name a second time", QuickbooksException, 6240):
        twin = Customer()
        twin.DisplayName = customer.DisplayName
        twin.save(qb=qb)
    for kind in DOCUMENTS:
        name = kind.qbo_object_name
        with refused(f"{name}: without lines", ValidationException, 2020):
            bare = kind()
            bare.CustomerRef = customer.to_ref()
            bare.save(qb=qb)
        with refused(f"{name}: with an unknown property", ValidationException, 2010):
            odd = document(kind, customer, item)
            odd.Frobnicate = True
            odd.save(qb=qb)
        with refused(f"{name}: with a wrong product of price and quantity", QuickbooksException, 6070):
            wrong = document(kind, customer, item)
            wrong.Line[0].Amount += Decimal("0.01")
            wrong.save(qb=qb)
        with refused(f"{name}: of an unknown Id", ObjectNotFoundException, 610):
            kind.get("999999", qb=qb)
        with refused(f"{name}: saved over somebody else's change", QuickbooksException, 5010):
            mine, theirs = (kind.all(max_results=1, qb=qb)[0] for _ in range(2))
            theirs.save(qb=qb)
            mine.save(qb=qb)
    with refused("a query that cannot be parsed", ValidationException, 4000):
        Invoice.query("SELECT * FROM Invoice WHERE", qb=qb)
    with refused("a query by an unknown property", ValidationException, 4001):
        Invoice.filter(Colour="red", qb=qb)
    with refused("deleting a customer", UnsupportedException, 500):
        qb.delete_object("Customer", json.dumps({"Id": customer.Id, "SyncToken": customer.SyncToken}))


def outages_are_told_apart(simulator, qb):
    cases = [
        ("throttled in XML", {"preset": "quickbooks_429_xml"}, QuickbooksException, "ThrottleExceeded"),
        ("throttled in JSON", {"preset": "quickbooks_429_json"}, QuickbooksException, "status code '429'"),
        ("a failing system", {"preset": "quickbooks_500"}, SevereException, "System Failure Error"),
        ("an HTML page", {"preset": "html_page", "status": 503}, QuickbooksException, "maintenance"),
    ]
    for what, fault, kind, saying in cases:
        simulator.control("faults", {"faults": [{"path": "/query", **fault}]})
        with refused(what, kind, 10000, saying):
            Invoice.count(qb=qb)
        proved(f"after {what} all is well again", Invoice.count(qb=qb) > 0)


def tokens_end(simulator, auth, used_code):
    with refused("another company's books", QuickbooksException, 10000, "status code '403'"):
        Customer.all(qb=simulator.quickbooks(auth, realm=OTHER_REALM))
    old = simulator.quickbooks(auth)
    simulator.control("clock", {"advance_seconds": 3601})
    with refused("a call after an hour", AuthorizationException, 401):
        Customer.count(qb=old)
    auth.refresh()
    same("a refreshed token opens the books again", Customer.count(qb=simulator.quickbooks(auth)), 1)
    with not_signed_in("a code a second time", 400, "invalid_grant"):
        auth.get_bearer_token(used_code)
    proved("AuthClient revokes", auth.revoke())
    with refused("a call after that", AuthorizationException, 401):
        Customer.count(qb=simulator.quickbooks(auth))
    with not_signed_in("a refresh after that", 400, "invalid_grant"):
        auth.refresh()


def too_long(*_):
    raise TimeoutError(f"not done after {LONGEST_RUN_S} seconds")


def main(binary):
    # oauthlib refuses plain HTTP otherwise, and the simulator serves this machine only.
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    # Neither client sets a time limit of its own.
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST_RUN_S)
    with Simulator(binary) as simulator:
        simulator.control("seed", SEED)
        auth, code = signs_in(simulator)
        qb = simulator.quickbooks(auth)
        customer = created_customer(qb)
        item = items_live(qb)
        live = {kind: documents_live(qb, kind, customer, item) for kind in DOCUMENTS}
        documents_end(qb, live)
        payment_lives(qb, customer, item)
        deleted = batches_work(qb, customer, item)
        changes_are_followed(qb, customer, deleted)
        faults_are_told_apart(qb, customer, item)
        outages_are_told_apart(simulator, qb)
        tokens_end(simulator, auth, code)
        same("no call was one the simulator lacks", simulator.unexpected_calls(), [])
        same("no answer was one Intuit's XSDs do not allow", simulator.nonconforming(), [])


if __name__ == "__main__":
    main(*(sys.argv[1:2] or [BINARY]))
