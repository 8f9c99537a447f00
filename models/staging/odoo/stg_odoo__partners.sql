{{ config(enabled='odoo' in var('crm_sources')) }}

-- A person does business for the company above, which is the account; whoever has none above is one.
select
    id,
    coalesce(commercial_partner_id, id) as account_id,
    coalesce(is_company, false) as is_company
from {{ source_rows('raw_odoo', 'res_partner') }}
