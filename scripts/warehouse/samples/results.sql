create table new_wins (
    account_no bigint,
    deal_no bigint,
    won_at timestamp,
    known_at timestamp,
    product_no integer,
    amount double,
    currency varchar
);
create table growth_deals (
    account_no bigint,
    deal_no bigint,
    deal_type varchar,
    product_no integer,
    amount double,
    currency varchar,
    won_at timestamp,
    won_known_at timestamp,
    lost_at timestamp,
    last_outcome varchar
);
create table rep_results (
    user_no integer,
    month bigint,
    metric varchar,
    reached bigint
);
