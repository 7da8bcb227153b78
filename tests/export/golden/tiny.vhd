-- tiny: a network of look-up tables as logic, made of expressions. Written by lutsmith.
--
-- Parts: encoder, network, popcount, decision.
-- Inputs:
--   x: 6 words of 3 bits: the features of a sample, word k is feature k.
-- Outputs:
--   label: 1 word of 2 bits: the class of the highest score, unsigned; the lowest class wins a tie.
--   scores: 4 words of 3 bits: word c is the score of class c, unsigned.
-- Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out.
-- Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is
-- l<l>_<k>, register i is r<i>.
-- Latency: none, the logic is combinational.
--
-- The word of a number v is the lowest w, 0 to 7, whose value low + w / per_unit is not below v:
-- v is rounded up. Numbers below low become word 0, numbers above all values word 7, NaN word 0.
-- All features: low -3.0, per_unit 1.0.
--
--   class 0: "a \"quoted\" \\ one"
--   class 1: "*\/ ??/ <b>"
--   class 2: "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
--   class 3: ""
-- VHDL reserves the word label: a port of that name is label_o here.

-- tiny_encoder: compares words with thresholds; 9 LUTs in 1 level.
library ieee;
use ieee.std_logic_1164.all;

entity tiny_encoder is
  port (
    x : in std_logic_vector(17 downto 0);
    bits : out std_logic_vector(23 downto 0)
  );
end entity;

architecture logic of tiny_encoder is
  signal x_0_0, x_0_1, x_0_2, x_1_0, x_1_1, x_1_2, x_2_0, x_2_1, x_2_2, x_3_0, x_3_1, x_3_2, x_4_0, x_4_1 : std_logic;
  signal x_4_2, x_5_0, x_5_1, x_5_2 : std_logic;
  signal l0_0, l0_1, l0_2, l0_3, l0_4, l0_5, l0_6, l0_7, l0_8 : std_logic;
begin
  x_0_0 <= x(0);
  x_0_1 <= x(1);
  x_0_2 <= x(2);
  x_1_0 <= x(3);
  x_1_1 <= x(4);
  x_1_2 <= x(5);
  x_2_0 <= x(6);
  x_2_1 <= x(7);
  x_2_2 <= x(8);
  x_3_0 <= x(9);
  x_3_1 <= x(10);
  x_3_2 <= x(11);
  x_4_0 <= x(12);
  x_4_1 <= x(13);
  x_4_2 <= x(14);
  x_5_0 <= x(15);
  x_5_1 <= x(16);
  x_5_2 <= x(17);
  -- Level 0: 9 LUTs.
  l0_0 <= x_4_1 or x_4_2;
  l0_1 <= x_5_1 or x_5_2;
  l0_2 <= (x_0_0 and x_0_1) or x_0_2;
  l0_3 <= x_1_2 and (x_1_0 or x_1_1);
  l0_4 <= (x_1_0 and x_1_1) or x_1_2;
  l0_5 <= (x_2_0 and x_2_1) or x_2_2;
  l0_6 <= (x_3_0 and x_3_1) or x_3_2;
  l0_7 <= (x_4_0 and x_4_1) or x_4_2;
  l0_8 <= (x_5_0 and x_5_1) or x_5_2;
  bits(0) <= l0_2;  -- feature 0 at (0, 0) "age" > -0.89059186: word > 2
  bits(1) <= l0_2;  -- feature 0 at (0, 0) "age" > -0.274137855: word > 2
  bits(2) <= x_0_2;  -- feature 0 at (0, 0) "age" > 0.00123015337: word > 3
  bits(3) <= x_0_2;  -- feature 0 at (0, 0) "age" > 0.298745543: word > 3
  bits(4) <= l0_4;  -- feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528: word > 2
  bits(5) <= l0_4;  -- feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787: word > 2
  bits(6) <= x_1_2;  -- feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011: word > 3
  bits(7) <= l0_3;  -- feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521: word > 4
  bits(8) <= l0_5;  -- feature 2 at (0, 2) "*\/" > -0.620474875: word > 2
  bits(9) <= l0_5;  -- feature 2 at (0, 2) "*\/" > -0.492206514: word > 2
  bits(10) <= x_2_2;  -- feature 2 at (0, 2) "*\/" > 0.356887013: word > 3
  bits(11) <= x_2_2;  -- feature 2 at (0, 2) "*\/" > 0.489842057: word > 3
  bits(12) <= l0_6;  -- feature 3 at (1, 0) "??=" > -0.930468023: word > 2
  bits(13) <= l0_6;  -- feature 3 at (1, 0) "??=" > -0.0292518232: word > 2
  bits(14) <= x_3_2;  -- feature 3 at (1, 0) "??=" > 0.105414249: word > 3
  bits(15) <= x_3_2;  -- feature 3 at (1, 0) "??=" > 0.695303202: word > 3
  bits(16) <= l0_0;  -- feature 4 at (1, 1) "\u00df" > -1.90122271: word > 1
  bits(17) <= l0_0;  -- feature 4 at (1, 1) "\u00df" > -1.34421456: word > 1
  bits(18) <= l0_0;  -- feature 4 at (1, 1) "\u00df" > -1.28953779: word > 1
  bits(19) <= l0_7;  -- feature 4 at (1, 1) "\u00df" > -0.457615763: word > 2
  bits(20) <= l0_1;  -- feature 5 at (1, 2) "age" > -1.84173501: word > 1
  bits(21) <= l0_1;  -- feature 5 at (1, 2) "age" > -1.26744652: word > 1
  bits(22) <= l0_8;  -- feature 5 at (1, 2) "age" > -0.235091135: word > 2
  bits(23) <= x_5_2;  -- feature 5 at (1, 2) "age" > 0.271264344: word > 3
end architecture;

-- tiny_network: the look-up tables that were learned; 74 LUTs in 9 levels.
library ieee;
use ieee.std_logic_1164.all;

entity tiny_network is
  port (
    bits : in std_logic_vector(23 downto 0);
    outputs : out std_logic_vector(23 downto 0)
  );
end entity;

architecture logic of tiny_network is
  function mux(s, t, f : std_logic) return std_logic is
  begin
    if s = '1' then
      return t;
    end if;
    return f;
  end function;
  signal bits_0, bits_1, bits_2, bits_3, bits_4, bits_5, bits_6, bits_7, bits_8, bits_9, bits_10, bits_11 : std_logic;
  signal bits_12, bits_13, bits_14, bits_15, bits_16, bits_17, bits_18, bits_19, bits_20, bits_21, bits_22 : std_logic;
  signal bits_23 : std_logic;
  signal l0_0, l0_1, l1_0, l1_1, l1_2, l1_3, l1_4, l1_5, l1_6, l1_7, l1_8, l1_9, l1_10, l1_11, l1_12, l1_13 : std_logic;
  signal l1_14, l1_15, l1_16, l1_17, l1_18, l2_0, l2_1, l2_2, l2_3, l2_4, l2_5, l2_6, l2_7, l2_8, l2_9, l2_10 : std_logic;
  signal l2_11, l2_12, l2_13, l2_14, l3_0, l3_1, l3_2, l3_3, l3_4, l3_5, l3_6, l3_7, l3_8, l3_9, l3_10, l3_11 : std_logic;
  signal l3_12, l3_13, l3_14, l4_0, l4_1, l4_2, l4_3, l4_4, l4_5, l4_6, l4_7, l4_8, l5_0, l5_1, l5_2, l5_3 : std_logic;
  signal l5_4, l5_5, l5_6, l6_0, l6_1, l6_2, l6_3, l7_0, l7_1, l8_0 : std_logic;
begin
  -- Read by nothing: 12 of the registers and LUTs.
  bits_0 <= bits(0);  -- feature 0 at (0, 0) "age" > -0.89059186: word > 2
  bits_1 <= bits(1);  -- feature 0 at (0, 0) "age" > -0.274137855: word > 2
  bits_2 <= bits(2);  -- feature 0 at (0, 0) "age" > 0.00123015337: word > 3
  bits_3 <= bits(3);  -- feature 0 at (0, 0) "age" > 0.298745543: word > 3
  bits_4 <= bits(4);  -- feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528: word > 2
  bits_5 <= bits(5);  -- feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787: word > 2
  bits_6 <= bits(6);  -- feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011: word > 3
  bits_7 <= bits(7);  -- feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521: word > 4
  bits_8 <= bits(8);  -- feature 2 at (0, 2) "*\/" > -0.620474875: word > 2
  bits_9 <= bits(9);  -- feature 2 at (0, 2) "*\/" > -0.492206514: word > 2
  bits_10 <= bits(10);  -- feature 2 at (0, 2) "*\/" > 0.356887013: word > 3
  bits_11 <= bits(11);  -- feature 2 at (0, 2) "*\/" > 0.489842057: word > 3
  bits_12 <= bits(12);  -- feature 3 at (1, 0) "??=" > -0.930468023: word > 2
  bits_13 <= bits(13);  -- feature 3 at (1, 0) "??=" > -0.0292518232: word > 2
  bits_14 <= bits(14);  -- feature 3 at (1, 0) "??=" > 0.105414249: word > 3
  bits_15 <= bits(15);  -- feature 3 at (1, 0) "??=" > 0.695303202: word > 3
  bits_16 <= bits(16);  -- feature 4 at (1, 1) "\u00df" > -1.90122271: word > 1
  bits_17 <= bits(17);  -- feature 4 at (1, 1) "\u00df" > -1.34421456: word > 1
  bits_18 <= bits(18);  -- feature 4 at (1, 1) "\u00df" > -1.28953779: word > 1
  bits_19 <= bits(19);  -- feature 4 at (1, 1) "\u00df" > -0.457615763: word > 2
  bits_20 <= bits(20);  -- feature 5 at (1, 2) "age" > -1.84173501: word > 1
  bits_21 <= bits(21);  -- feature 5 at (1, 2) "age" > -1.26744652: word > 1
  bits_22 <= bits(22);  -- feature 5 at (1, 2) "age" > -0.235091135: word > 2
  bits_23 <= bits(23);  -- feature 5 at (1, 2) "age" > 0.271264344: word > 3
  -- Level 0: 2 LUTs.
  l0_0 <= '1';
  l0_1 <= '0';
  -- Level 1: 19 LUTs.
  l1_0 <= not bits_11;
  l1_1 <= '1';
  l1_2 <= '1';
  l1_3 <= bits_13;
  l1_4 <= not (bits_7 and bits_14);
  l1_5 <= not (bits_11 or bits_7);
  l1_6 <= bits_5 or not bits_2;
  l1_7 <= mux(l0_1, bits_1 and bits_16, bits_1 or bits_16);
  l1_8 <= mux(bits_3, not (bits_8 and bits_18), bits_18);
  l1_9 <= mux(bits_21, not bits_13 or (bits_16 xor bits_9), bits_13 xor (bits_16 and bits_9));
  l1_10 <= mux(bits_11, bits_0 xor (bits_0 and not l0_1), not bits_0 and (l0_1 or bits_0));
  l1_11 <= '0';
  l1_12 <= bits_1;
  l1_13 <= not (bits_13 and bits_6);
  l1_14 <= not (bits_23 and bits_4);
  l1_15 <= mux(bits_6, bits_1, not bits_8);
  l1_16 <= mux(bits_18, bits_18 and not bits_22, bits_18 or not bits_22);
  l1_17 <= not bits_13;
  l1_18 <= not bits_20;
  -- Level 2: 15 LUTs.
  l2_0 <= not (l1_3 and bits_0);
  l2_1 <= bits_17 or not (bits_6 and l1_5);
  l2_2 <= not l1_2 and (l0_0 xor bits_21);
  l2_3 <= mux(l1_5, not bits_15 and (bits_1 or bits_3), bits_15 or (bits_3 xor not bits_1));
  l2_4 <= not ((bits_15 and not l1_7) or (not bits_15 and l1_7 and bits_8) or (l1_7 and not l1_7 and not bits_8));
  l2_5 <= mux(bits_18, mux(bits_2, not ((l1_7 and l1_2) or bits_14), l1_7 xor (l1_2 and not bits_14)), mux(l1_2, not bits_2, l1_7 or (bits_14 and not bits_2)));
  l2_6 <= mux(l1_7, mux(bits_14, bits_11 or not (l0_0 or l1_2), l0_0 and (l1_2 or not bits_11)), bits_14 or (l1_2 xor (l0_0 or bits_11)));
  l2_7 <= '1';
  l2_8 <= mux(bits_3, not l1_1, l1_1 and not bits_15);
  l2_9 <= mux(bits_11, mux(bits_18, l1_6 xor bits_6, bits_19), mux(bits_19, bits_18 xor not (l1_6 or bits_6), bits_6 or not (l1_6 or bits_18)));
  l2_10 <= mux(bits_7, mux(bits_20, l1_3 xor mux(l1_0, bits_12 or l0_0, not bits_12), not l0_0 and l1_3 and (l1_0 xor bits_12)), mux(l1_3, mux(l1_0, bits_20 and (l0_0 or not bits_12), bits_12 or (bits_20 and not l0_0)), l0_0 and (not bits_12 or (bits_20 xor not l1_0))));
  l2_11 <= '0';
  l2_12 <= '0';
  l2_13 <= l1_16 xor bits_16;
  l2_14 <= bits_16 and (bits_22 xor l1_16);
  -- Level 3: 15 LUTs.
  l3_0 <= mux(bits_22, mux(l1_6, bits_21 and (l2_0 xor not l1_8), l1_8 or (bits_21 xor l2_0)), mux(l1_6, l2_0 xor (l1_8 or bits_21), l2_0 and (bits_21 or not l1_8)));
  l3_1 <= mux(l1_10, bits_17 xor mux(l1_9, l2_3 and not bits_6, not l2_3), mux(l2_3, bits_6 xor not l1_9, not bits_17 or (l1_9 and not bits_6)));
  l3_2 <= mux(l1_9, mux(l1_6, l1_10 and (bits_5 xor (l2_5 or not l2_5)), l2_5 or (l2_5 and not bits_5)), mux(l2_5, mux(l1_10, bits_5 xor not (l1_6 and l2_5), bits_5 and (l1_6 or not l2_5)), mux(bits_5, l1_10 and (l1_6 xor l2_5), l2_5 or l1_6 or not l1_10)));
  l3_3 <= mux(l1_5, mux(l0_0, mux(l1_7, not l2_1, not l2_4 and (l2_4 xor not l2_1)), mux(l2_1, not l1_7 or (l2_4 xor l2_4), not l2_4 or (l1_7 and not l2_4))), mux(l2_4, not ((not l1_7 and l2_4) or (not l2_1 and not l0_0)), mux(l2_4, l0_0 and (l2_1 or not l1_7), l0_0 xor l2_1 xor not l1_7)));
  l3_4 <= mux(bits_1, mux(l2_5, mux(l1_8, mux(bits_7, not bits_13, bits_13 or bits_2), bits_2 xor not bits_13), mux(bits_13, bits_7, l1_8 xor bits_2)), mux(l1_8, mux(bits_2, bits_13 xor not l2_5, bits_13 and l2_5 and not bits_7), bits_7 or (bits_13 xor (l2_5 or bits_2))));
  l3_5 <= mux(bits_11, mux(bits_19, mux(l2_0, bits_0 xor (bits_11 or not bits_11), bits_11 and (bits_0 or not bits_11)), not bits_11 and (bits_11 xor (bits_0 or not l2_0))), mux(bits_11, mux(bits_0, (bits_19 and l2_0) or not bits_11, bits_19 or l2_0), mux(l2_0, bits_19 and not (bits_0 and bits_11), bits_0 or bits_11)));
  l3_6 <= '1';
  l3_7 <= l1_7 xor l2_7;
  l3_8 <= mux(bits_16, not l1_12 or (bits_16 and not l2_0), bits_16);
  l3_9 <= mux(l1_6, l1_3 and (l2_6 xor l1_9), l2_6 or l1_3 or not l1_9);
  l3_10 <= mux(bits_21, mux(l1_13, not l1_16, mux(l2_3, l1_16 or not bits_10, bits_10)), mux(bits_10, l1_16 xor not l1_13, mux(l1_16, l2_3 or not l1_13, l1_13 or not l2_3)));
  l3_11 <= mux(l1_15, mux(l2_3, l2_1 xor l2_4 xor (l1_15 and not bits_20), l1_15 and not l2_1 and (bits_20 xor l2_4)), mux(l1_15, mux(l2_3, bits_20 xor (l2_4 and not l2_1), mux(l2_4, not bits_20, l2_1)), mux(l2_3, l2_4 or (l2_1 xor not bits_20), bits_20 or not l2_1)));
  l3_12 <= not l2_7;
  l3_13 <= mux(l0_0, l1_9 and (l2_2 or l2_0), l1_9 or (l2_2 and l2_0));
  l3_14 <= mux(l1_0, bits_6 and not l2_6, l1_11 xor (bits_6 or not l2_6));
  -- Level 4: 9 LUTs.
  l4_0 <= '0';
  l4_1 <= bits_8 xor (l3_5 and not l3_0);
  l4_2 <= mux(l2_0, l3_4 or l1_11 or not bits_17, l3_4 xor (bits_17 or l1_11));
  l4_3 <= mux(l1_8, mux(l2_7, l3_8 xor l1_2, l0_1 xor (l3_8 or l1_2)), mux(l3_8, l1_2 xor not l0_1, l2_7 and (l0_1 or l1_2)));
  l4_4 <= l3_8;
  l4_5 <= l3_1 or not (l3_2 or bits_12);
  l4_6 <= mux(bits_13, mux(bits_16, bits_1 and (l2_2 or not l3_10), l2_2 xor (l3_10 and not bits_1)), not l2_2 or (bits_16 xor (l3_10 and not bits_1)));
  l4_7 <= mux(l1_3, mux(l3_10, l1_13 and l1_11, not l1_16 and (l1_13 xor l1_11)), mux(l1_16, l1_11 xor (l3_10 and not l1_13), not l1_11 and (l1_13 or l3_10)));
  l4_8 <= mux(l2_4, mux(l3_11, mux(l1_9, l2_10 and (bits_20 xor not l0_0), bits_20 or not l0_0), l2_10 xor mux(bits_20, not l1_9, l0_0)), mux(l2_10, mux(l1_9, mux(bits_20, not l0_0, l0_0 or l3_11), l3_11 xor not l0_0), mux(l3_11, bits_20 or (l1_9 xor not l0_0), mux(l0_0, not l1_9, not bits_20))));
  -- Level 5: 7 LUTs.
  l5_0 <= bits_10 xor (not l1_10 and (bits_11 or not l4_1));
  l5_1 <= mux(l1_15, mux(l4_2, l2_3 or not (l1_0 or l1_13), (l1_0 and l1_13) or not l2_3), mux(l1_13, l1_0 and not l2_3, mux(l4_2, l1_0, l2_3)));
  l5_2 <= mux(bits_17, mux(l3_2, mux(l4_1, not l3_3, l2_4 xor not l1_12), mux(l3_3, l4_1 and l2_4 and not l1_12, l2_4 or (l4_1 and not l1_12))), mux(l1_12, mux(l3_3, not l3_2 and (l2_4 or not l4_1), l2_4 xor l3_2 xor not l4_1), not ((l4_1 and not l3_2) or (l3_3 and l2_4) or (not l4_1 and not l2_4))));
  l5_3 <= mux(l4_3, mux(l3_0, mux(l2_3, l1_4 and (bits_17 or not bits_20), bits_17 xor (bits_20 or l1_4)), mux(bits_17, bits_20, l1_4 xor (bits_20 and l2_3))), mux(l2_3, mux(l3_0, bits_20 or not (bits_17 and l1_4), bits_20 xor bits_17), mux(l1_4, bits_20 or bits_17, l3_0 and not bits_17)));
  l5_4 <= mux(l1_10, l4_3 or not bits_6, bits_6 or not l4_3);
  l5_5 <= mux(l1_11, mux(l3_11, not l1_12, l3_3 and (l1_12 or not l4_1)), mux(l3_11, l3_3 xor not (l1_12 and l4_1), l3_3 or (l4_1 xor not l1_12)));
  l5_6 <= mux(l3_2, mux(l4_3, l1_7 xor mux(l1_3, not bits_5, bits_23), mux(bits_5, not l1_7 and (l1_3 or not bits_23), bits_23 xor not l1_3)), mux(l1_7, mux(bits_5, l4_3 xor (l1_3 or bits_23), not l1_3), mux(l4_3, bits_23 xor not bits_5, bits_5 or l1_3 or not bits_23)));
  -- Level 6: 4 LUTs.
  l6_0 <= not (bits_4 and l5_0);
  l6_1 <= mux(l3_5, not l3_10, l5_0 and l3_10);
  l6_2 <= mux(bits_23, l2_5 xor not (l2_12 or l5_0), not l2_12 and (l5_0 or not l2_5));
  l6_3 <= mux(l2_11, l2_4 xor (bits_4 and not l5_3), bits_4 or (l5_3 xor not l2_4));
  -- Level 7: 2 LUTs.
  l7_0 <= mux(bits_7, mux(bits_6, not (bits_21 or (l1_11 and l6_1)), l1_11 xor not (bits_21 and l6_1)), mux(l1_11, bits_6 or (l6_1 and not bits_21), mux(l6_1, not bits_6, bits_21)));
  l7_1 <= mux(l5_4, mux(l1_9, mux(l6_2, l3_6 xor bits_20 xor not l1_18, l1_18 and (l3_6 or not bits_20)), mux(l3_6, l6_2 xor (l1_18 or not bits_20), not bits_20 and (l6_2 or not l1_18))), mux(l1_18, mux(l3_6, bits_20 and l6_2, not (l1_9 or l6_2)), mux(l1_9, not (l3_6 or (bits_20 and l6_2)), (bits_20 and l3_6) or l6_2)));
  -- Level 8: 1 LUT.
  l8_0 <= mux(l1_14, mux(l1_2, l1_10 or (bits_13 xor not (l1_10 and l7_0)), mux(l7_0, l1_10 xor (bits_13 and not l1_10), bits_13)), mux(bits_13, mux(l1_10, l1_10 and not l1_2, not l1_10), mux(l7_0, l1_10 or not l1_2, not l1_10)));
  outputs(0) <= l1_18;  -- from here: class 0 "a \"quoted\" \\ one"
  outputs(1) <= l4_5;
  outputs(2) <= l5_4;
  outputs(3) <= l2_14;
  outputs(4) <= l6_1;
  outputs(5) <= l6_2;
  outputs(6) <= l6_3;  -- from here: class 1 "*\/ ??/ <b>"
  outputs(7) <= l3_13;
  outputs(8) <= l3_14;
  outputs(9) <= l4_6;
  outputs(10) <= l7_0;
  outputs(11) <= l5_5;
  outputs(12) <= l4_7;  -- from here: class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  outputs(13) <= l4_8;
  outputs(14) <= l7_1;
  outputs(15) <= l5_6;
  outputs(16) <= l8_0;
  outputs(17) <= l5_6;
  outputs(18) <= l8_0;  -- from here: class 3 ""
  outputs(19) <= bits_3;
  outputs(20) <= l0_0;
  outputs(21) <= l0_1;
  outputs(22) <= bits_5;
  outputs(23) <= bits_5;
end architecture;

-- tiny_popcount: counts the ones in each group of outputs; 12 LUTs in 1 level.
library ieee;
use ieee.std_logic_1164.all;

entity tiny_popcount is
  port (
    outputs : in std_logic_vector(23 downto 0);
    counts : out std_logic_vector(11 downto 0)
  );
end entity;

architecture logic of tiny_popcount is
  function mux(s, t, f : std_logic) return std_logic is
  begin
    if s = '1' then
      return t;
    end if;
    return f;
  end function;
  signal outputs_0, outputs_1, outputs_2, outputs_3, outputs_4, outputs_5, outputs_6, outputs_7, outputs_8 : std_logic;
  signal outputs_9, outputs_10, outputs_11, outputs_12, outputs_13, outputs_14, outputs_15, outputs_16 : std_logic;
  signal outputs_17, outputs_18, outputs_19, outputs_20, outputs_21, outputs_22, outputs_23 : std_logic;
  signal l0_0, l0_1, l0_2, l0_3, l0_4, l0_5, l0_6, l0_7, l0_8, l0_9, l0_10, l0_11 : std_logic;
begin
  outputs_0 <= outputs(0);
  outputs_1 <= outputs(1);
  outputs_2 <= outputs(2);
  outputs_3 <= outputs(3);
  outputs_4 <= outputs(4);
  outputs_5 <= outputs(5);
  outputs_6 <= outputs(6);
  outputs_7 <= outputs(7);
  outputs_8 <= outputs(8);
  outputs_9 <= outputs(9);
  outputs_10 <= outputs(10);
  outputs_11 <= outputs(11);
  outputs_12 <= outputs(12);
  outputs_13 <= outputs(13);
  outputs_14 <= outputs(14);
  outputs_15 <= outputs(15);
  outputs_16 <= outputs(16);
  outputs_17 <= outputs(17);
  outputs_18 <= outputs(18);
  outputs_19 <= outputs(19);
  outputs_20 <= outputs(20);
  outputs_21 <= outputs(21);
  outputs_22 <= outputs(22);
  outputs_23 <= outputs(23);
  -- Level 0: 12 LUTs.
  l0_0 <= outputs_0 xor outputs_1 xor outputs_4 xor outputs_3 xor outputs_2 xor outputs_5;
  l0_1 <= outputs_6 xor outputs_7 xor outputs_10 xor outputs_9 xor outputs_8 xor outputs_11;
  l0_2 <= outputs_12 xor outputs_13 xor outputs_16 xor outputs_15 xor outputs_14 xor outputs_17;
  l0_3 <= outputs_18 xor outputs_19 xor outputs_22 xor outputs_21 xor outputs_20 xor outputs_23;
  l0_4 <= mux(outputs_0, mux(outputs_1, mux(outputs_3, mux(outputs_2, outputs_4 and outputs_5, not (outputs_4 or outputs_5)), not ((outputs_2 and outputs_4) or (outputs_2 and outputs_5) or (outputs_4 and outputs_5))), mux(outputs_3, not ((outputs_2 and outputs_4) or (outputs_2 and outputs_5) or (outputs_4 and outputs_5)), mux(outputs_2, not (outputs_4 and outputs_5), outputs_4 or outputs_5))), mux(outputs_1, mux(outputs_3, not ((outputs_2 and outputs_4) or (outputs_2 and outputs_5) or (outputs_4 and outputs_5)), mux(outputs_2, not (outputs_4 and outputs_5), outputs_4 or outputs_5)), mux(outputs_3, mux(outputs_2, not (outputs_4 and outputs_5), outputs_4 or outputs_5), (outputs_2 and outputs_4) or (outputs_2 and outputs_5) or (outputs_4 and outputs_5))));
  l0_5 <= mux(outputs_6, mux(outputs_7, mux(outputs_9, mux(outputs_8, outputs_10 and outputs_11, not (outputs_10 or outputs_11)), not ((outputs_8 and outputs_10) or (outputs_8 and outputs_11) or (outputs_10 and outputs_11))), mux(outputs_9, not ((outputs_8 and outputs_10) or (outputs_8 and outputs_11) or (outputs_10 and outputs_11)), mux(outputs_8, not (outputs_10 and outputs_11), outputs_10 or outputs_11))), mux(outputs_7, mux(outputs_9, not ((outputs_8 and outputs_10) or (outputs_8 and outputs_11) or (outputs_10 and outputs_11)), mux(outputs_8, not (outputs_10 and outputs_11), outputs_10 or outputs_11)), mux(outputs_9, mux(outputs_8, not (outputs_10 and outputs_11), outputs_10 or outputs_11), (outputs_8 and outputs_10) or (outputs_8 and outputs_11) or (outputs_10 and outputs_11))));
  l0_6 <= mux(outputs_12, mux(outputs_13, mux(outputs_15, mux(outputs_14, outputs_16 and outputs_17, not (outputs_16 or outputs_17)), not ((outputs_14 and outputs_16) or (outputs_14 and outputs_17) or (outputs_16 and outputs_17))), mux(outputs_15, not ((outputs_14 and outputs_16) or (outputs_14 and outputs_17) or (outputs_16 and outputs_17)), mux(outputs_14, not (outputs_16 and outputs_17), outputs_16 or outputs_17))), mux(outputs_13, mux(outputs_15, not ((outputs_14 and outputs_16) or (outputs_14 and outputs_17) or (outputs_16 and outputs_17)), mux(outputs_14, not (outputs_16 and outputs_17), outputs_16 or outputs_17)), mux(outputs_15, mux(outputs_14, not (outputs_16 and outputs_17), outputs_16 or outputs_17), (outputs_14 and outputs_16) or (outputs_14 and outputs_17) or (outputs_16 and outputs_17))));
  l0_7 <= mux(outputs_18, mux(outputs_19, mux(outputs_21, mux(outputs_20, outputs_22 and outputs_23, not (outputs_22 or outputs_23)), not ((outputs_20 and outputs_22) or (outputs_20 and outputs_23) or (outputs_22 and outputs_23))), mux(outputs_21, not ((outputs_20 and outputs_22) or (outputs_20 and outputs_23) or (outputs_22 and outputs_23)), mux(outputs_20, not (outputs_22 and outputs_23), outputs_22 or outputs_23))), mux(outputs_19, mux(outputs_21, not ((outputs_20 and outputs_22) or (outputs_20 and outputs_23) or (outputs_22 and outputs_23)), mux(outputs_20, not (outputs_22 and outputs_23), outputs_22 or outputs_23)), mux(outputs_21, mux(outputs_20, not (outputs_22 and outputs_23), outputs_22 or outputs_23), (outputs_20 and outputs_22) or (outputs_20 and outputs_23) or (outputs_22 and outputs_23))));
  l0_8 <= mux(outputs_0, mux(outputs_1, mux(outputs_2, outputs_3 or outputs_4 or outputs_5, (outputs_3 and outputs_4) or (outputs_3 and outputs_5) or (outputs_4 and outputs_5)), mux(outputs_2, (outputs_3 and outputs_4) or (outputs_3 and outputs_5) or (outputs_4 and outputs_5), outputs_3 and outputs_4 and outputs_5)), mux(outputs_1, mux(outputs_2, (outputs_3 and outputs_4) or (outputs_3 and outputs_5) or (outputs_4 and outputs_5), outputs_3 and outputs_4 and outputs_5), outputs_2 and outputs_3 and outputs_4 and outputs_5));
  l0_9 <= mux(outputs_6, mux(outputs_7, mux(outputs_8, outputs_9 or outputs_10 or outputs_11, (outputs_9 and outputs_10) or (outputs_9 and outputs_11) or (outputs_10 and outputs_11)), mux(outputs_8, (outputs_9 and outputs_10) or (outputs_9 and outputs_11) or (outputs_10 and outputs_11), outputs_9 and outputs_10 and outputs_11)), mux(outputs_7, mux(outputs_8, (outputs_9 and outputs_10) or (outputs_9 and outputs_11) or (outputs_10 and outputs_11), outputs_9 and outputs_10 and outputs_11), outputs_8 and outputs_9 and outputs_10 and outputs_11));
  l0_10 <= mux(outputs_12, mux(outputs_13, mux(outputs_14, outputs_15 or outputs_16 or outputs_17, (outputs_15 and outputs_16) or (outputs_15 and outputs_17) or (outputs_16 and outputs_17)), mux(outputs_14, (outputs_15 and outputs_16) or (outputs_15 and outputs_17) or (outputs_16 and outputs_17), outputs_15 and outputs_16 and outputs_17)), mux(outputs_13, mux(outputs_14, (outputs_15 and outputs_16) or (outputs_15 and outputs_17) or (outputs_16 and outputs_17), outputs_15 and outputs_16 and outputs_17), outputs_14 and outputs_15 and outputs_16 and outputs_17));
  l0_11 <= mux(outputs_18, mux(outputs_19, mux(outputs_20, outputs_21 or outputs_22 or outputs_23, (outputs_21 and outputs_22) or (outputs_21 and outputs_23) or (outputs_22 and outputs_23)), mux(outputs_20, (outputs_21 and outputs_22) or (outputs_21 and outputs_23) or (outputs_22 and outputs_23), outputs_21 and outputs_22 and outputs_23)), mux(outputs_19, mux(outputs_20, (outputs_21 and outputs_22) or (outputs_21 and outputs_23) or (outputs_22 and outputs_23), outputs_21 and outputs_22 and outputs_23), outputs_20 and outputs_21 and outputs_22 and outputs_23));
  counts(0) <= l0_0;  -- class 0 "a \"quoted\" \\ one": count, from bit 0 up
  counts(1) <= l0_4;
  counts(2) <= l0_8;
  counts(3) <= l0_1;  -- class 1 "*\/ ??/ <b>": count, from bit 0 up
  counts(4) <= l0_5;
  counts(5) <= l0_9;
  counts(6) <= l0_2;  -- class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f": count, from bit 0 up
  counts(7) <= l0_6;
  counts(8) <= l0_10;
  counts(9) <= l0_3;  -- class 3 "": count, from bit 0 up
  counts(10) <= l0_7;
  counts(11) <= l0_11;
end architecture;

-- tiny_decision: makes the result of the counts; 10 LUTs in 4 levels.
library ieee;
use ieee.std_logic_1164.all;

entity tiny_decision is
  port (
    counts : in std_logic_vector(11 downto 0);
    label_o : out std_logic_vector(1 downto 0);
    scores : out std_logic_vector(11 downto 0)
  );
end entity;

architecture logic of tiny_decision is
  function mux(s, t, f : std_logic) return std_logic is
  begin
    if s = '1' then
      return t;
    end if;
    return f;
  end function;
  signal counts_0_0, counts_0_1, counts_0_2, counts_1_0, counts_1_1, counts_1_2, counts_2_0, counts_2_1 : std_logic;
  signal counts_2_2, counts_3_0, counts_3_1, counts_3_2 : std_logic;
  signal l0_0, l0_1, l1_0, l1_1, l1_2, l1_3, l1_4, l1_5, l2_0, l3_0 : std_logic;
begin
  counts_0_0 <= counts(0);
  counts_0_1 <= counts(1);
  counts_0_2 <= counts(2);
  counts_1_0 <= counts(3);
  counts_1_1 <= counts(4);
  counts_1_2 <= counts(5);
  counts_2_0 <= counts(6);
  counts_2_1 <= counts(7);
  counts_2_2 <= counts(8);
  counts_3_0 <= counts(9);
  counts_3_1 <= counts(10);
  counts_3_2 <= counts(11);
  -- Level 0: 2 LUTs.
  l0_0 <= mux(counts_0_2, counts_1_2 and mux(counts_0_1, counts_1_1 and counts_1_0 and not counts_0_0, counts_1_1 or (counts_1_0 and not counts_0_0)), counts_1_2 or mux(counts_0_1, counts_1_1 and counts_1_0 and not counts_0_0, counts_1_1 or (counts_1_0 and not counts_0_0)));
  l0_1 <= mux(counts_2_2, counts_3_2 and mux(counts_2_1, counts_3_1 and counts_3_0 and not counts_2_0, counts_3_1 or (counts_3_0 and not counts_2_0)), counts_3_2 or mux(counts_2_1, counts_3_1 and counts_3_0 and not counts_2_0, counts_3_1 or (counts_3_0 and not counts_2_0)));
  -- Level 1: 6 LUTs.
  l1_0 <= mux(l0_0, counts_1_0, counts_0_0);
  l1_1 <= mux(l0_0, counts_1_1, counts_0_1);
  l1_2 <= mux(l0_0, counts_1_2, counts_0_2);
  l1_3 <= mux(l0_1, counts_3_0, counts_2_0);
  l1_4 <= mux(l0_1, counts_3_1, counts_2_1);
  l1_5 <= mux(l0_1, counts_3_2, counts_2_2);
  -- Level 2: 1 LUT.
  l2_0 <= mux(l1_2, l1_5 and mux(l1_1, l1_4 and l1_3 and not l1_0, l1_4 or (l1_3 and not l1_0)), l1_5 or mux(l1_1, l1_4 and l1_3 and not l1_0, l1_4 or (l1_3 and not l1_0)));
  -- Level 3: 1 LUT.
  l3_0 <= mux(l2_0, l0_1, l0_0);
  label_o(0) <= l3_0;
  label_o(1) <= l2_0;
  scores(0) <= counts_0_0;  -- class 0 "a \"quoted\" \\ one": score, from bit 0 up
  scores(1) <= counts_0_1;
  scores(2) <= counts_0_2;
  scores(3) <= counts_1_0;  -- class 1 "*\/ ??/ <b>": score, from bit 0 up
  scores(4) <= counts_1_1;
  scores(5) <= counts_1_2;
  scores(6) <= counts_2_0;  -- class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f": score, from bit 0 up
  scores(7) <= counts_2_1;
  scores(8) <= counts_2_2;
  scores(9) <= counts_3_0;  -- class 3 "": score, from bit 0 up
  scores(10) <= counts_3_1;
  scores(11) <= counts_3_2;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity tiny is
  port (
    x : in std_logic_vector(17 downto 0);
    label_o : out std_logic_vector(1 downto 0);
    scores : out std_logic_vector(11 downto 0)
  );
end entity;

architecture logic of tiny is
  -- For who reads this file: nothing in it uses them.
  constant CLASS_A_QUOTED_ONE : integer := 0;  -- "a \"quoted\" \\ one"
  constant CLASS_B : integer := 1;  -- "*\/ ??/ <b>"
  constant CLASS_N_C_D : integer := 2;  -- "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  constant CLASS_3 : integer := 3;  -- ""
  signal bits : std_logic_vector(23 downto 0);
  signal outputs : std_logic_vector(23 downto 0);
  signal counts : std_logic_vector(11 downto 0);
begin
  u_encoder : entity work.tiny_encoder port map (x => x, bits => bits);
  u_network : entity work.tiny_network port map (bits => bits, outputs => outputs);
  u_popcount : entity work.tiny_popcount port map (outputs => outputs, counts => counts);
  u_decision : entity work.tiny_decision port map (counts => counts, label_o => label_o, scores => scores);
end architecture;
