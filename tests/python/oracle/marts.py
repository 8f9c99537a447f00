"""The contract of the marts as data: columns with their kinds, `!` marks a key column."""

from __future__ import annotations

from dataclasses import dataclass

PERIOD = "period_grain:text! period_start:date! is_complete_period:boolean"
SLICE = f"{PERIOD} dimension:text! dimension_value:text!"

MARTS_TEXT = {
    "dim_date": (
        "date_day:date! week_start:date month_start:date quarter_start:date fiscal_year:integer "
        "fiscal_quarter:integer is_business_day:boolean"
    ),
    "dim_account": (
        "account_id:text! name:text industry:text segment:text region:text owner_id:text "
        "created_at:timestamp became_customer_at:timestamp churned_at:timestamp"
    ),
    "dim_user": (
        "user_id:text! full_name:text role:text team:text region:text manager_id:text "
        "max_daily_leads:integer max_daily_deals:integer hired_on:date left_on:date"
    ),
    "dim_product": ("product_id:text! name:text category:text list_price:number currency:text"),
    "dim_stage": ("pipeline:text! stage:text! position:integer outcome:text"),
    "dim_location": ("location_id:text! name:text region:text kind:text"),
    "fct_deals": (
        "deal_id:text! account_id:text owner_id:text team:text region:text source:text "
        "deal_type:text product_id:text industry:text segment:text size_band:text pipeline:text "
        "stage:text outcome:text amount:number created_at:timestamp closed_at:timestamp "
        "days_to_close:number age_days:number days_in_current_stage:number stage_moves:integer "
        "back_moves:integer reopened_count:integer stages_visited:integer"
    ),
    "fct_deal_stage_visits": (
        "deal_id:text! visit_number:integer! visit_id:text pipeline:text stage:text "
        "stage_position:integer entered_at:timestamp exited_at:timestamp days_in_stage:number "
        "days_so_far:number direction:text next_stage:text is_current:boolean"
    ),
    "fct_leads": (
        "lead_id:text! owner_id:text source:text region:text created_at:timestamp "
        "first_touch_at:timestamp first_touch_type:text first_touch_user_id:text "
        "response_minutes:number became_mql_at:timestamp became_sql_at:timestamp "
        "converted_at:timestamp is_acquired:boolean acquired_at:timestamp "
        "touches_before_acquisition:integer"
    ),
    "fct_activities": (
        "activity_id:text! activity_type:text direction:text user_id:text person:text "
        "lead_id:text account_id:text deal_id:text created_at:timestamp occurred_at:timestamp "
        "is_touch:boolean is_reply:boolean is_meeting_set:boolean reply_sentiment:text "
        "meeting_status:text"
    ),
    "fct_account_months": (
        "account_id:text! month_start:date! mrr:number previous_mrr:number movement:text "
        "movement_amount:number fx_amount:number"
    ),
    "fct_orders": (
        "order_id:text! line_number:integer! account_id:text location_id:text channel:text "
        "product_id:text quantity:number amount:number ordered_at:timestamp promotion_id:text"
    ),
    "fct_nps_responses": (
        "response_id:text! account_id:text contact_id:text wave:text sent_at:timestamp "
        "responded_at:timestamp score:integer"
    ),
    "fct_employee_responses": (
        "response_id:text! wave:text team:text responded_at:timestamp question:text rating:integer"
    ),
    "fct_spend": (
        "spend_id:text! spent_on:date department:text source:text segment:text amount:number"
    ),
    "fct_competitor_prices": ("competitor:text! product_id:text! observed_on:date! price:number"),
    "kpi_deals_by_stage": (
        f"{SLICE} pipeline:text! stage:text! stage_position:integer open_deals:integer "
        "open_amount:number entered:integer exited:integer moved_forward:integer "
        "moved_back:integer won:integer lost:integer advance_rate:number"
    ),
    "kpi_pipeline_bridge": (
        f"{SLICE} pipeline:text! opening_deals:integer created_deals:integer "
        "reopened_deals:integer won_deals:integer lost_deals:integer closing_deals:integer "
        "opening_amount:number created_amount:number reopened_amount:number won_amount:number "
        "lost_amount:number closing_amount:number"
    ),
    "kpi_time_in_stage": (
        f"{SLICE} pipeline:text! stage:text! stage_position:integer visits:integer avg_days:number "
        "median_days:number p90_days:number deals:integer avg_days_per_deal:number"
    ),
    "kpi_days_to_close": (
        f"{SLICE} won_deals:integer avg_days:number median_days:number p90_days:number "
        "lost_deals:integer avg_days_lost:number"
    ),
    "kpi_deal_size": (
        f"{SLICE} won_deals:integer total_amount:number avg_amount:number median_amount:number "
        "previous_avg_amount:number avg_amount_change:number"
    ),
    "kpi_deal_amount_by_source": (
        f"{PERIOD} source:text! won_deals:integer won_amount:number share_of_won_amount:number "
        "avg_amount:number lost_deals:integer lost_amount:number win_rate:number"
    ),
    "kpi_deal_amount_by_type": (
        f"{PERIOD} deal_type:text! product_id:text! won_deals:integer won_amount:number "
        "share_of_won_amount:number avg_amount:number lost_deals:integer lost_amount:number "
        "win_rate:number"
    ),
    "kpi_win_rate": (
        f"{SLICE} won_deals:integer lost_deals:integer win_rate:number win_rate_low:number "
        "win_rate_high:number won_amount:number lost_amount:number amount_win_rate:number"
    ),
    "kpi_stage_survival": (
        "pipeline:text! stage:text! dimension:text! dimension_value:text! visits:integer "
        "completed:integer still_open:integer km_median_days:number naive_avg_days:number"
    ),
    "kpi_sales_cycle": (
        f"{SLICE} won_deals:integer avg_cycle_days:number matured_customers:integer "
        "churned_within_6_months:integer churn_rate_6m:number"
    ),
    "kpi_new_opportunities": (
        f"{SLICE} new_leads:integer new_deals:integer new_deal_amount:number"
    ),
    "kpi_quota_attainment": (f"{SLICE} metric:text! target:number actual:number attainment:number"),
    "kpi_quota_team": (
        f"{SLICE} metric:text! reps_with_quota:integer reps_at_quota:integer pct_at_quota:number "
        "quota_signal:text"
    ),
    "kpi_acquisition_rate": (
        f"{SLICE} contacted_leads:integer acquired_leads:integer acquisition_rate:number "
        "acquisition_rate_low:number acquisition_rate_high:number"
    ),
    "kpi_acquisition_by_touches": (
        "dimension:text! dimension_value:text! touch_number:integer! leads_reached:integer "
        "acquired_here:integer acquisition_hazard:number"
    ),
    "kpi_contact_volume": (
        f"{SLICE} touches:integer unique_contacts:integer suggested_weekly_contacts:number"
    ),
    "kpi_appointment_rate": (
        f"{SLICE} contacted:integer with_appointment:integer appointment_rate:number "
        "appointment_rate_low:number appointment_rate_high:number"
    ),
    "kpi_lead_response_time": (
        f"{SLICE} leads:integer responded:integer avg_minutes:number median_minutes:number "
        "p90_minutes:number within_target:integer leads_due:integer within_target_rate:number "
        "within_target_rate_low:number within_target_rate_high:number"
    ),
    "kpi_mql": (
        f"{SLICE} mqls:integer sqls:integer mql_to_sql_rate:number mql_to_sql_rate_low:number "
        "mql_to_sql_rate_high:number avg_days_to_sql:number"
    ),
    "kpi_bdr_capacity": (
        f"{SLICE} reps:integer capacity:integer mqls:integer utilisation:number "
        "capacity_signal:text"
    ),
    "kpi_ae_capacity": (
        f"{SLICE} reps:integer capacity:integer won_deals:integer utilisation:number "
        "capacity_signal:text"
    ),
    "kpi_reply_rate": (
        f"{SLICE} contacted_leads:integer positive_leads:integer negative_leads:integer "
        "no_reply_leads:integer positive_reply_rate:number positive_reply_rate_low:number "
        "positive_reply_rate_high:number negative_reply_rate:number"
    ),
    "kpi_meeting_acceptance": (
        f"{SLICE} meetings_set:integer replies:integer meeting_acceptance_rate:number held:integer "
        "held_rate:number"
    ),
    "kpi_touchpoints": (
        f"{SLICE} outcome:text! deals:integer avg_calls:number avg_emails:number avg_chats:number "
        "avg_meetings:number avg_video_meetings:number avg_touches:number"
    ),
    "kpi_customer_engagement": (
        "account_id:text! owner_id:text became_customer_at:timestamp relationship_days:number "
        "touches:integer touches_last_90_days:integer touches_per_quarter:number "
        "avg_days_between_touches:number last_touch_at:timestamp days_since_last_touch:number "
        "is_churned:boolean tenure_rank:integer is_top_long_term:boolean"
    ),
    "kpi_upsell_cross_sell": (
        f"{SLICE} upsell_deals:integer upsell_amount:number cross_sell_deals:integer "
        "cross_sell_amount:number expanded_customers:integer existing_customers:integer "
        "expansion_rate:number avg_months_since_first_purchase:number"
    ),
    "kpi_expansion_paths": (
        "from_product_id:text! to_product_id:text! deal_type:text! industry:text! deals:integer "
        "amount:number median_months_since_first_purchase:number"
    ),
    "kpi_nps": (
        f"{SLICE} invitations:integer invited_responses:integer response_rate:number "
        "responses:integer promoters:integer passives:integer detractors:integer nps:number "
        "nps_margin:number too_early_responses:integer"
    ),
    "kpi_mrr": (
        f"{SLICE} opening_mrr:number new_mrr:number reactivation_mrr:number expansion_mrr:number "
        "contraction_mrr:number churned_mrr:number fx_mrr:number closing_mrr:number "
        "opening_accounts:integer active_accounts:integer churned_accounts:integer "
        "net_revenue_retention:number gross_revenue_retention:number logo_churn_rate:number"
    ),
    "kpi_cac": (
        f"{SLICE} direct_spend:number shared_spend:number spend:number new_customers:integer "
        "cac:number cac_direct:number"
    ),
    "kpi_ltv": (
        f"{SLICE} customers:integer avg_revenue_to_date:number avg_cost_to_date:number "
        "ltv_to_date:number gross_margin:number arpa:number churned_accounts:integer "
        "account_months:integer monthly_churn_rate:number expected_lifetime_months:number "
        "ltv_expected:number cac:number ltv_to_cac:number"
    ),
    "kpi_clv": (
        "account_id:text! became_customer_at:timestamp revenue_to_date:number cost_to_date:number "
        "clv_to_date:number current_mrr:number expected_remaining_months:number "
        "clv_expected:number clv_rank:integer"
    ),
    "kpi_magic_number": (
        f"{SLICE} recurring_revenue:number previous_recurring_revenue:number previous_spend:number "
        "magic_number:number magic_number_signal:text"
    ),
    "kpi_sales_by_location": (
        f"{SLICE} orders:integer units:number amount:number share_of_amount:number rank:integer"
    ),
    "kpi_promotion_lift": (
        "promotion_id:text! location_id:text control_location_id:text starts_on:date ends_on:date "
        "days:integer test_before:number test_during:number control_before:number "
        "control_during:number lift:number lift_ratio:number lift_low:number lift_high:number"
    ),
    "kpi_competitor_pricing": (
        f"{PERIOD} product_id:text! competitor:text! competitor_avg_price:number "
        "own_avg_price:number list_price:number price_gap:number is_price_match_candidate:boolean"
    ),
    "kpi_employee_satisfaction": (
        f"{SLICE} question:text! responses:integer avg_rating:number excellent_share:number "
        "good_share:number favourable_share:number goal:number gap_to_goal:number "
        "is_suppressed:boolean"
    ),
}


@dataclass(frozen=True)
class Mart:
    """One mart: its columns in order with their kinds, and which of them are its key."""

    name: str
    kinds: dict[str, str]
    keys: tuple[str, ...]


def _mart(name: str, text: str) -> Mart:
    columns = [column.split(":") for column in text.split()]
    return Mart(
        name=name,
        kinds={column: kind.rstrip("!") for column, kind in columns},
        keys=tuple(column for column, kind in columns if kind.endswith("!")),
    )


MARTS = {name: _mart(name, text) for name, text in MARTS_TEXT.items()}
