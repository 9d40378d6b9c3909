select n_name, extract(year from o_entry_d) as l_year, sum(ol_amount) as sum_profit
from order_line
join item on i_id = ol_i_id
join stock on s_w_id = ol_supply_w_id and s_i_id = ol_i_id
join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000)
join orders on o_w_id = ol_w_id and o_d_id = ol_d_id and o_id = ol_o_id
join nation on n_nationkey = s_nationkey
where i_data like '%BB'
group by n_name, extract(year from o_entry_d)
order by n_name, l_year desc
