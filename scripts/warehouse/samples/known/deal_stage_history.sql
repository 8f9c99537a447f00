select
    'H' || lpad(moves.deal_no::varchar, 9, '0') || '-' || lpad(moves.move_no::varchar, 2, '0') as change_id,
    deal_id(moves.deal_no) as deal_id,
    moves.stage,
    moves.changed_at,
    user_id(
        case
            when life_deals.owner_left_at <= moves.changed_at then life_deals.next_owner_no
            else life_deals.owner_no
        end
    ) as changed_by,
from deal_moves as moves
inner join life_deals on moves.deal_no = life_deals.deal_no
where moves.known_at <= getvariable('cut_at') and is_news(moves.known_at)
order by moves.deal_no, moves.move_no
