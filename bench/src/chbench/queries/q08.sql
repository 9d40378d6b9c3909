select extract(year from o_entry_d) as l_year,
       sum(case when n2.n_name = 'INDIA' then ol_amount else 0 end) / sum(ol_amount) as mkt_share
from order_line
join item on i_id = ol_i_id
join stock on s_w_id = ol_supply_w_id and s_i_id = ol_i_id
join supplier on s_suppkey = mod(s_w_id * s_i_id, 10000)
join orders on o_w_id = ol_w_id and o_d_id = ol_d_id and o_id = ol_o_id
join customer on c_w_id = o_w_id and c_d_id = o_d_id and c_id = o_c_id
join nation n1 on n1.n_nationkey = ascii(substr(c_state, 1, 1)) - 65
join region on r_regionkey = n1.n_regionkey
join nation n2 on n2.n_nationkey = s_nationkey
where ol_i_id < 1000 and r_name = 'ASIA'
  and o_entry_d between '2007-01-02 00:00:00' and '2032-01-02 00:00:00'
group by extract(year from o_entry_d)
order by l_year
