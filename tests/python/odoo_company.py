"""A small Odoo 17 database, written as Odoo itself writes: its tables, its types, its habits."""

TABLES = {
    "res_currency": "id int, name varchar",
    "res_company": "id int, name varchar, currency_id int",
    "res_currency_rate": "id int, currency_id int, company_id int, name date, rate numeric,"
    " write_date timestamp",
    "res_country": "id int, code varchar, name jsonb",
    "res_partner": "id int, name varchar, email varchar, is_company bool, parent_id int,"
    " commercial_partner_id int, country_id int, active bool, company_id int,"
    " create_date timestamp, write_date timestamp",
    "res_users": "id int, login varchar, password varchar, active bool, partner_id int,"
    " company_id int, share bool, create_date timestamp",
    "crm_team": "id int, name jsonb, active bool, company_id int, user_id int",
    "crm_team_member": "id int, crm_team_id int, user_id int, active bool, create_date timestamp",
    "crm_stage": "id int, name jsonb, sequence int, is_won bool, team_id int",
    "crm_lost_reason": "id int, name jsonb, active bool",
    "utm_source": "id int, name varchar",
    "utm_campaign": "id int, name varchar, title jsonb",
    "crm_lead": "id int, name varchar, type varchar, active bool, stage_id int, team_id int,"
    " user_id int, company_id int, partner_id int, country_id int, source_id int, campaign_id int,"
    " lost_reason_id int, probability float8, expected_revenue numeric, date_deadline date,"
    " date_conversion timestamp, date_closed timestamp, create_date timestamp,"
    " write_date timestamp",
    "ir_model_fields": "id int, model varchar, name varchar",
    "mail_tracking_value": "id int, field_id int, mail_message_id int, old_value_integer int,"
    " new_value_integer int, create_uid int, create_date timestamp, write_date timestamp",
    "mail_message": "id int, model varchar, res_id int, message_type varchar, subtype_id int,"
    " mail_activity_type_id int, author_id int, email_from varchar, subject varchar, body text,"
    " date timestamp, is_internal bool, create_uid int, create_date timestamp,"
    " write_date timestamp",
    "mail_message_subtype": "id int, name jsonb, res_model varchar, internal bool",
    "mail_activity_type": "id int, name jsonb, category varchar, keep_done bool",
    "mail_activity": "id int, res_model varchar, res_id int, activity_type_id int, user_id int,"
    " date_deadline date, date_done date, active bool, create_date timestamp,"
    " write_date timestamp",
    "calendar_event": "id int, opportunity_id int, res_model varchar, res_id int, user_id int,"
    " start timestamp, stop timestamp, videocall_location varchar, active bool,"
    " create_date timestamp, write_date timestamp",
    "sale_order": "id int, state varchar, opportunity_id int, partner_id int, user_id int,"
    " company_id int, currency_id int, date_order timestamp, create_date timestamp,"
    " write_date timestamp",
    "sale_order_line": "id int, order_id int, product_id int, product_uom_qty numeric,"
    " price_subtotal numeric, display_type varchar, currency_id int, create_date timestamp,"
    " write_date timestamp",
    "product_product": "id int, product_tmpl_id int, default_code varchar, active bool",
    "product_template": "id int, name jsonb, categ_id int, list_price numeric, active bool",
    "survey_survey": "id int, title jsonb, survey_type varchar, active bool",
    "survey_question": "id int, survey_id int, title jsonb, question_type varchar, is_page bool,"
    " validation_min_float_value float8, validation_max_float_value float8",
    "survey_user_input": "id int, survey_id int, partner_id int, email varchar, state varchar,"
    " start_datetime timestamp, end_datetime timestamp, test_entry bool, create_date timestamp,"
    " write_date timestamp",
    "survey_user_input_line": "id int, user_input_id int, survey_id int, question_id int,"
    " answer_type varchar, skipped bool, value_numerical_box float8, create_date timestamp,"
    " write_date timestamp",
}
STAGE, ACTIVE, REASON = 901, 902, 903
NEW, QUALIFIED, PROPOSAL, WON, NEGOTIATION, REVIEW, SECOND_REVIEW = 1, 2, 3, 4, 5, 6, 7
USD, EUR, GBP = 1, 2, 3
LOST = {"active": False, "probability": 0.0}


def rows() -> dict[str, list[dict]]:
    """The rows of every table."""
    company = _Company()
    return company.tables


class _Company:
    def __init__(self) -> None:
        self.tables: dict[str, list[dict]] = {name: [] for name in TABLES}
        self._messages = 0
        self._tracked = 0
        self._people()
        self._pipeline()
        self._opportunities()
        self._contacts_with_customers()
        self._orders_and_answers()

    def add(self, table: str, **values: object) -> None:
        self.tables[table].append(values)

    def _people(self) -> None:
        for number, name in ((USD, "USD"), (EUR, "EUR"), (GBP, "GBP")):
            self.add("res_currency", id=number, name=name)
        self.add("res_company", id=1, name="Here", currency_id=USD)
        self.add("res_company", id=2, name="There", currency_id=EUR)
        # Company 1: euros and pounds per dollar. Company 2 counts from the euro.
        for number, (currency, company, day, rate) in enumerate(
            (
                (EUR, 1, "2025-01-01", 0.8),
                (EUR, 1, "2025-02-01", 0.5),
                (GBP, 1, "2025-01-01", 0.4),
                (USD, 2, "2025-01-01", 7),
            ),
            start=1,
        ):
            self.add("res_currency_rate", id=number, currency_id=currency, company_id=company,
                     name=day, rate=rate)  # fmt: skip
        self.add("res_country", id=1, code="AT", name={"en_US": "Austria", "de_DE": "Österreich"})
        people = (
            (1, "Odoo Bot", None, False, None),
            (2, "Ann", "ann@here.test", False, None),
            (3, "Bob", "bob@here.test", False, None),
            (4, "Cleo", "cleo@here.test", False, None),
            (10, "Acme", None, True, None),
            (11, "Mr Acme", "mr@acme.test", False, 10),
            (12, "Private Person", "pp@home.test", False, None),
        )
        for number, name, email, is_company, parent in people:
            self.add("res_partner", id=number, name=name, email=email, is_company=is_company,
                     parent_id=parent, commercial_partner_id=parent or number, country_id=1,
                     active=True, create_date="2024-12-01 08:00", write_date="2024-12-01 08:00")  # fmt: skip
        users = (
            (1, "__system__", 1, False, 1),
            (2, "ann", 2, False, 1),
            (3, "bob", 3, False, 1),
            (4, "cleo", 4, False, 2),
            (5, "customer", 12, True, 1),
        )
        for number, login, partner, share, company in users:
            self.add("res_users", id=number, login=login, password="$pbkdf2$secret", active=True,
                     partner_id=partner, company_id=company, share=share)  # fmt: skip
        self.add("crm_team", id=1, name={"en_US": "Direct"}, active=True, company_id=1, user_id=2)
        self.add("crm_team_member", id=1, crm_team_id=1, user_id=3, active=True)
        self.add("crm_team_member", id=2, crm_team_id=1, user_id=4, active=False)

    def _pipeline(self) -> None:
        stages = (
            (NEW, {"en_US": "New"}, 1, None),
            (QUALIFIED, {"en_US": "Qualified"}, 2, None),
            # Called something else when the first opportunities went through it.
            (PROPOSAL, {"de_DE": "Angebot"}, 3, None),
            (WON, {"en_US": "Won"}, 70, True),
            (NEGOTIATION, {"en_US": "Negotiation"}, 10, None),
            (REVIEW, {"en_US": "Review"}, 20, None),
            (SECOND_REVIEW, {"en_US": "Review"}, 21, None),
        )
        for number, name, sequence, is_won in stages:
            self.add("crm_stage", id=number, name=name, sequence=sequence, is_won=is_won)
        self.add("crm_lost_reason", id=1, name={"en_US": "Too expensive"}, active=True)
        self.add("utm_source", id=1, name="Fair")
        self.add("utm_campaign", id=1, name="c-1", title={"en_US": "Spring"})
        for number, name in ((STAGE, "stage_id"), (ACTIVE, "active"), (REASON, "lost_reason_id")):
            self.add("ir_model_fields", id=number, model="crm.lead", name=name)
        self.add("ir_model_fields", id=950, model="sale.order", name="active")

    def lead(self, number: int, **values: object) -> None:
        given = {
            "name": f"Deal {number}", "type": "opportunity", "active": True, "stage_id": NEW,
            "team_id": 1, "user_id": 3, "company_id": None, "partner_id": 10, "country_id": 1,
            "source_id": 1, "campaign_id": 1, "probability": 30.0, "expected_revenue": 100,
            "create_date": "2025-01-01 08:00:00", "write_date": "2025-03-01 08:00:00",
        }  # fmt: skip
        self.add("crm_lead", id=number, **{**given, **values})

    def message(self, at: str, lead: int, **values: object) -> int:
        self._messages += 1
        given = {"model": "crm.lead", "message_type": "notification", "author_id": 3}
        self.add("mail_message", id=self._messages, res_id=lead, date=at, write_date=at,
                 **{**given, **values})  # fmt: skip
        return self._messages

    def track(self, at: str, lead: int, *changes: tuple[int, int, int], **values: object) -> None:
        message = self.message(at, lead, **values)
        for field, old, new in changes:
            self._tracked += 1
            self.add("mail_tracking_value", id=self._tracked, field_id=field, create_uid=3,
                     mail_message_id=message, old_value_integer=old, new_value_integer=new,
                     create_date=at, write_date=at)  # fmt: skip

    def _opportunities(self) -> None:
        # 1: straight to the win, created within a second that its message does not know of.
        self.lead(
            1,
            stage_id=WON,
            probability=100.0,
            expected_revenue=1000,
            create_date="2025-01-01 08:00:00.600000",
            date_closed="2025-01-11 08:00:00.600000",
        )
        self.track("2025-01-01 08:00:00", 1, (STAGE, NEW, QUALIFIED))
        self.track("2025-01-05 08:00:00", 1, (STAGE, QUALIFIED, PROPOSAL))
        self.track("2025-01-11 08:00:00", 1, (STAGE, PROPOSAL, WON))
        # 2: lost, taken back, moved on, lost for good.
        self.lead(2, **LOST, stage_id=PROPOSAL, lost_reason_id=1, date_closed="2025-01-15 08:00")
        self.track("2025-01-08 08:00:00", 2, (ACTIVE, 1, 0), (REASON, 0, 1))
        self.track("2025-01-10 08:00:00", 2, (ACTIVE, 0, 1), (REASON, 1, 0))
        self.track("2025-01-12 08:00:00", 2, (STAGE, NEW, PROPOSAL))
        self.track("2025-01-15 08:00:00", 2, (ACTIVE, 1, 0), (REASON, 0, 1))
        # 3: put away, neither lost nor open.
        self.lead(3, active=False, probability=20.0)
        self.track("2025-01-08 08:00:00", 3, (ACTIVE, 1, 0))
        # 4: won, then put away: still won.
        self.lead(
            4,
            active=False,
            probability=100.0,
            stage_id=WON,
            expected_revenue=500,
            date_closed="2025-01-21 08:00:00",
        )
        self.track("2025-01-21 08:00:00", 4, (STAGE, NEW, WON))
        self.track("2025-02-21 08:00:00", 4, (ACTIVE, 1, 0))
        # 5: of the company in euros; moved back; holds the history of one that was merged into it.
        self.lead(5, company_id=2, expected_revenue=100, stage_id=NEW, team_id=None)
        self.track("2025-01-02 08:00:00", 5, (STAGE, PROPOSAL, WON), subject="From Deal 99")
        self.track("2025-01-03 08:00:00", 5, (STAGE, NEW, QUALIFIED))
        self.track("2025-01-04 08:00:00", 5, (STAGE, QUALIFIED, NEW))
        # 6 to 8: leads; open, converted, lost.
        self.lead(6, type="lead", partner_id=None)
        self.lead(7, stage_id=QUALIFIED, date_conversion="2025-01-20 08:00:00", partner_id=11)
        self.track("2025-01-21 08:00:00", 7, (STAGE, NEW, QUALIFIED))
        self.lead(8, type="lead", **LOST, date_closed="2025-02-01 08:00:00")
        # 9: lost without a trace; 10: in one of two stages of one name; 11: in a deleted stage.
        self.lead(9, **LOST, date_closed="2025-01-31 08:00:00", stage_id=NEGOTIATION)
        self.lead(10, stage_id=SECOND_REVIEW, user_id=4, team_id=None)
        self.lead(11, stage_id=77)
        # 12: taken back out of the archive after a win, which it kept.
        self.lead(12, stage_id=WON, probability=100.0, expected_revenue=None,
                  date_closed="2025-01-06 08:00:00")  # fmt: skip
        self.track("2025-01-06 08:00:00", 12, (STAGE, NEW, WON))
        self.track("2025-01-07 08:00:00", 12, (ACTIVE, 1, 0))
        self.track("2025-01-08 08:00:00", 12, (ACTIVE, 0, 1))

    def _contacts_with_customers(self) -> None:
        discussion, note, done = 1, 2, 3
        for number, name, internal in (
            (discussion, "Discussions", None), (note, "Note", True), (done, "Activities", True),
        ):  # fmt: skip
            self.add("mail_message_subtype", id=number, name={"en_US": name}, internal=internal)
        email, call, meeting, to_do, coffee = 1, 2, 3, 4, 5
        for number, name, category in (
            (email, "Email", "default"), (call, "Call", "phonecall"),
            (meeting, "Meeting", "meeting"), (to_do, "To-Do", "default"),
            (coffee, "Coffee", "default"),
        ):  # fmt: skip
            self.add("mail_activity_type", id=number, name={"en_US": name}, category=category,
                     keep_done=number == call)  # fmt: skip
        kinds = {"subtype_id": done}
        # 7 was called as a lead, and mailed as a deal; the call stands in mail_activity too.
        self.message("2025-01-10 08:00", 7, mail_activity_type_id=call, **kinds)
        self.add("mail_activity", id=1, res_model="crm.lead", res_id=7, activity_type_id=call,
                 user_id=3, date_done="2025-01-10", active=False)  # fmt: skip
        self.add("mail_activity", id=2, res_model="crm.lead", res_id=7, activity_type_id=email,
                 user_id=3, date_deadline="2025-02-10", active=True)  # fmt: skip
        self.message("2025-01-22 08:00", 7, mail_activity_type_id=email, **kinds)
        self.message("2025-01-22 09:00", 7, mail_activity_type_id=to_do, **kinds)
        self.message("2025-01-22 10:00", 7, mail_activity_type_id=coffee, **kinds)
        # Letters: out, in from a stranger, in from a customer with a login; a note to colleagues.
        self.message("2025-01-23 08:00", 7, message_type="comment", subtype_id=discussion)
        self.message("2025-01-24 08:00", 7, message_type="email", subtype_id=note, author_id=None)
        self.message("2025-01-25 08:00", 7, message_type="email", subtype_id=note, author_id=12)
        self.message("2025-01-26 08:00", 7, message_type="comment", subtype_id=note)
        # A meeting of the calendar leaves a message when it is ticked off; 6 had none there.
        self.add("calendar_event", id=1, opportunity_id=1, user_id=3, start="2025-01-03 09:00",
                 create_date="2025-01-02 09:00", active=True, write_date="2025-01-02 09:00")  # fmt: skip
        self.add("calendar_event", id=2, res_model="crm.lead", res_id=1, user_id=3, active=False,
                 start="2025-01-04 09:00", create_date="2025-01-02 09:00",
                 videocall_location="https://meet.test/1", write_date="2025-01-02 09:00")  # fmt: skip
        self.message("2025-01-03 10:00", 1, mail_activity_type_id=meeting, **kinds)
        self.message("2025-01-03 10:00", 6, mail_activity_type_id=meeting, **kinds)
        # At a quotation of deal 1.
        self.message("2025-01-09 08:00", 50, model="sale.order", message_type="comment",
                     subtype_id=discussion)  # fmt: skip

    def _orders_and_answers(self) -> None:
        self.add("product_template", id=1, name={"en_US": "Desk"}, categ_id=1, list_price=50)
        self.add("product_product", id=21, product_tmpl_id=1)
        self.add("product_product", id=22, product_tmpl_id=1, default_code="D2")
        orders = ((50, "sale", 1), (51, "draft", 1), (52, "cancel", 5))
        for number, state, lead in orders:
            self.add("sale_order", id=number, state=state, opportunity_id=lead, partner_id=11,
                     currency_id=USD, date_order="2025-01-11 09:00")  # fmt: skip
        lines = (
            (501, 50, 21, 2, 100, None), (502, 50, None, None, None, "line_section"),
            (503, 50, 22, 1, 900, None), (504, 51, 21, 1, 50, None), (505, 52, 21, 1, 50, None),
        )  # fmt: skip
        for number, order, product, quantity, amount, display in lines:
            self.add("sale_order_line", id=number, order_id=order, product_id=product,
                     product_uom_qty=quantity, price_subtotal=amount, display_type=display,
                     currency_id=USD)  # fmt: skip
        self.add("survey_survey", id=1, title={"en_US": "NPS 2025"}, survey_type="survey")
        for number, low, high in ((1, 0, 0), (2, 0, 10), (3, 0, 10)):
            self.add("survey_question", id=number, survey_id=1, question_type="numerical_box",
                     validation_min_float_value=low, validation_max_float_value=high)  # fmt: skip
        answers = (
            (1, "done", False, 9), (2, "in_progress", False, 3), (3, "new", False, None),
            (4, "done", True, 1), (5, "done", False, 6),
        )  # fmt: skip
        for number, state, is_test, score in answers:
            self.add("survey_user_input", id=number, survey_id=1, partner_id=11, state=state,
                     test_entry=is_test, create_date="2025-02-01 08:00:00.500000",
                     end_datetime="2025-02-01 08:00:00" if state == "done" else None)  # fmt: skip
            self.add("survey_user_input_line", id=number * 10, user_input_id=number, question_id=1,
                     value_numerical_box=0)  # fmt: skip
            self.add("survey_user_input_line", id=number * 10 + 1, user_input_id=number,
                     question_id=2, skipped=score is None, value_numerical_box=score)  # fmt: skip


def fill(server: object, database: str) -> None:
    """Create the tables in a database of a PostgreSQL server and fill them."""
    import psycopg
    from psycopg.types.json import Jsonb

    with psycopg.connect(server.url(database), autocommit=True) as connection:
        for name, columns in TABLES.items():
            connection.execute(f"create table {name} ({columns}, primary key (id))")
        for name, content in rows().items():
            for row in content:
                marks = ", ".join(["%s"] * len(row))
                values = [Jsonb(v) if isinstance(v, dict) else v for v in row.values()]
                connection.execute(
                    f"insert into {name} ({', '.join(row)}) values ({marks})", values
                )
