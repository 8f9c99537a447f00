"""Works in Tryton as a salesperson would, through its own client library, and writes down what it did.

Runs in Tryton's environment: `drive.py CONFIG DATABASE OUT.json`.
"""

import datetime
import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from proteus import Model, config
from trytond.modules.company.tests.tools import create_company

# What happens to each opportunity after it was entered as a lead.
DEALS = {
    "won at once": ("opportunity", "convert", "confirm"),
    "won after a detour": ("opportunity", "lead", "opportunity", "convert", "confirm"),
    "lost": ("opportunity", "lost"),
    "lost, then won": ("opportunity", "lost", "lead", "opportunity", "convert", "confirm"),
    "cancelled": ("opportunity", "cancel"),
    "open": ("opportunity",),
    "quoted": ("opportunity", "convert"),
    "quotation refused": ("opportunity", "convert", "refuse"),
    "a lead": (),
    "a lead that was lost": ("lost",),
}
STATES = {"convert": "converted", "cancel": "cancelled", "confirm": "won", "refuse": "lost"}
# Tryton writes whole microseconds; two moves have to be told apart.
_PAUSE_SECONDS = 0.05


def drive() -> dict:
    """Enter and move every opportunity; the moves with the instants around them."""
    create_company(currency="EUR")
    Party = Model.get("party.party")
    Employee = Model.get("company.employee")
    Opportunity = Model.get("sale.opportunity")
    User = Model.get("res.user")
    seller = Party(name="Sam Seller")
    seller.save()
    employee = Employee(party=seller)
    employee.save()
    (admin,) = User.find([("login", "=", "admin")])
    admin.employees.append(employee)
    admin.employee = employee
    admin.save()
    customer = Party(name="Customer")
    customer.addresses.new()
    customer.save()
    deals = []
    for number, (name, steps) in enumerate(DEALS.items(), start=1):
        deal = Opportunity(description=name)
        moves = [_timed("lead", deal.save)]
        sales = []
        for step in steps:
            if step == "opportunity" and deal.party is None:
                deal.party = customer
                deal.employee = employee
                deal.amount = Decimal(100 * number)
                deal.save()
            if step == "confirm":
                moves.append(_timed("won", _sell, sales[0], number))
            elif step == "refuse":
                moves.append(_timed("lost", sales[0].click, "cancel"))
            elif step == "convert":
                moves.append(_timed("converted", _quote, deal, sales))
            else:
                moves.append(_timed(STATES.get(step, step), deal.click, step))
            deal.reload()
            assert deal.state == moves[-1]["state"], (name, step, deal.state)
        deals.append({"id": deal.id, "name": name, "moves": moves, "amount": str(deal.amount)})
    gone = Opportunity(description="entered by mistake")
    gone.save()
    gone.click("cancel")
    gone.delete()
    return {"deals": deals, "customer": customer.id, "employee": employee.id}


def _quote(deal: object, sales: list) -> None:
    sales.extend(deal.click("convert"))


def _timed(state: str, act: object, *arguments: object) -> dict:
    time.sleep(_PAUSE_SECONDS)
    before = _now()
    act(*arguments)
    return {"state": state, "before": before, "after": _now()}


def _sell(sale: object, number: int) -> None:
    sale.invoice_method = "manual"
    sale.shipment_method = "manual"
    line = sale.lines.new()
    line.description = "Consulting"
    line.quantity = 1
    line.unit_price = Decimal(100 * number)
    sale.click("quote")
    sale.click("confirm")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None).isoformat()


if __name__ == "__main__":
    settings, database, out = sys.argv[1:]
    config.set_trytond(database, user="admin", config_file=settings)
    Path(out).write_text(json.dumps(drive(), indent=1))
