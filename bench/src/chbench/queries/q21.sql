select s_name, count(*) as numwait
from supplier
join nation on n_nationkey = s_nationkey
join stock on mod(s_w_id * s_i_id, 10000) = s_suppkey
join order_line l1 on l1.ol_w_id = s_w_id and l1.ol_i_id = s_i_id
join orders on o_w_id = l1.ol_w_id and o_d_id = l1.ol_d_id and o_id = l1.ol_o_id
where n_name = 'CHINA' and l1.ol_delivery_d > o_entry_d
  and not exists (select 1 from order_line l2
                  where l2.ol_w_id = l1.ol_w_id and l2.ol_d_id = l1.ol_d_id and l2.ol_o_id = l1.ol_o_id
                    and l2.ol_delivery_d > l1.ol_delivery_d)
group by s_name
order by numwait desc, s_name
