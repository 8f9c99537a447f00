-- Chance that depends on the seed, a row's key and what it decides, and on nothing else: neither the
-- order of rows nor the number of threads can change the company.
create macro random_bits(key, purpose) as
    hash(xor(hash(key::bigint), hash(purpose || getvariable('seed'))));

-- uniform in (0, 1)
create macro uniform(key, purpose) as
    ((random_bits(key, purpose) >> 11)::double + 0.5) / 9007199254740992;

create macro chance(key, purpose, probability) as uniform(key, purpose) < probability;

-- standard normal (Box-Muller over the two halves of the bits)
create macro normal(key, purpose) as
    sqrt(-2 * ln(((random_bits(key, purpose) >> 32)::double + 0.5) / 4294967296))
    * cos(6.283185307179586 * (random_bits(key, purpose) & 4294967295)::double / 4294967296);

create macro lognormal(key, purpose, median_value, sigma) as
    median_value * exp(sigma * normal(key, purpose));

create macro exponential(key, purpose, mean_value) as
    -mean_value * ln(uniform(key, purpose));

-- The company works from Monday to Friday, ten hours a day. A business second counts those hours alone
-- from the first Monday on, so that adding a duration never lands on a weekend or at night.
-- `shift` moves the office hours of a region to UTC.
create macro business_day(business_second) as business_second // 36000;

create macro instant(business_second, shift) as
    make_timestamp(
        1000000 * (
            getvariable('start_second')
            + (business_second // 180000) * 604800
            + ((business_second // 36000) % 5) * 86400
            + 28800
            + business_second % 36000
            + shift
        )
    );

create macro office_shift(region) as
    case region when 'AMER' then 18000 when 'EMEA' then -3600 when 'APAC' then -25200 else 0 end;

create macro seconds_after(instant_at, seconds) as
    instant_at + to_seconds(round(seconds)::bigint);

-- Where number `no` of a series of `total` up to as_of stands on the series' weight. Numbers are thrown
-- at random within blocks of 16: days differ as they do by chance, exactly `total` lie before as_of, and
-- those numbered above `total` follow it.
create macro place_in_series(no, total, past_weight, purpose) as
    floor(
        (
            case
                when no <= total then (no - 1) // 16 * 16
                else total + (no - 1 - total) // 16 * 16
            end
            + uniform(no, purpose)
            * case
                when no <= total then least(16, total - (no - 1) // 16 * 16)
                else 16
            end
        ) / total * past_weight
    )::bigint;

-- What an account is follows from its number, wherever it is needed.
create macro account_region(account_no) as
    case
        when uniform(account_no, 'region') < 0.45 then 'AMER'
        when uniform(account_no, 'region') < 0.83 then 'EMEA'
        when uniform(account_no, 'region') < 0.975 then 'APAC'
    end;

create macro account_segment(account_no) as
    case
        when uniform(account_no, 'segment') < 0.58 then 'smb'
        when uniform(account_no, 'segment') < 0.87 then 'mid_market'
        when uniform(account_no, 'segment') < 0.98 then 'enterprise'
    end;

create macro account_industry(account_no) as
    case
        when uniform(account_no, 'industry') < 0.21 then 'retail'
        when uniform(account_no, 'industry') < 0.38 then 'manufacturing'
        when uniform(account_no, 'industry') < 0.54 then 'software'
        when uniform(account_no, 'industry') < 0.68 then 'logistics'
        when uniform(account_no, 'industry') < 0.80 then 'healthcare'
        when uniform(account_no, 'industry') < 0.90 then 'financial services'
        when uniform(account_no, 'industry') < 0.97 then 'public sector'
    end;

create macro account_currency(account_no) as
    case account_region(account_no)
        when 'EMEA' then case when chance(account_no, 'currency', 0.68) then 'EUR' else 'GBP' end
        else 'USD'
    end;

create macro account_name(account_no) as
    list_extract(
        [
            'Alder', 'Amber', 'Anchor', 'Beacon', 'Birch', 'Bright', 'Cedar', 'Clear', 'Cobalt', 'Copper', 'Crest',
            'Delta', 'Echo', 'Elm', 'Falcon', 'Fern', 'Forge', 'Granite', 'Harbor', 'Hazel', 'Helix', 'Indigo',
            'Ivory', 'Juniper', 'Keystone', 'Lark', 'Lumen', 'Maple', 'Meridian', 'Mosaic', 'Nimbus', 'North',
            'Oak', 'Onyx', 'Orchard', 'Pine', 'Quartz', 'Raven', 'Ridge', 'River', 'Sable', 'Sierra', 'Silver',
            'Slate', 'Summit', 'Terra', 'Umber', 'Vale', 'Vertex', 'Willow',
        ],
        1 + floor(50 * uniform(account_no, 'first word'))::integer
    )
    || ' '
    || list_extract(
        [
            'Analytics', 'Brands', 'Capital', 'Clinics', 'Components', 'Devices', 'Dynamics', 'Energy', 'Foods',
            'Freight', 'Group', 'Health', 'Holdings', 'Industries', 'Labs', 'Logistics', 'Markets', 'Materials',
            'Media', 'Motors', 'Networks', 'Partners', 'Pharma', 'Retail', 'Robotics', 'Services', 'Software',
            'Solutions', 'Stores', 'Systems', 'Technologies', 'Textiles', 'Trading', 'Transport', 'Works',
        ],
        1 + floor(35 * uniform(account_no, 'second word'))::integer
    );

create macro account_id(account_no) as 'A' || lpad(account_no::varchar, 9, '0');
create macro contact_id(account_no, contact_no) as
    'C' || lpad(account_no::varchar, 9, '0') || '-' || contact_no;
create macro deal_id(deal_no) as 'D' || lpad(deal_no::varchar, 9, '0');
create macro user_id(user_no) as 'U' || lpad(user_no::varchar, 5, '0');

create macro month_no(moment) as year(moment) * 12 + month(moment) - 1;

-- A snapshot shows what was known by `cut_at`; a delta shows the rows of it about which something became
-- known after `after_at`.
create macro if_known(known_at) as
    case when known_at <= getvariable('cut_at') then known_at end;
create macro is_news(last_known_at) as last_known_at > getvariable('after_at');
