-- parts: a network of look-up tables as logic, made of expressions. Written by lutsmith.
--
-- Parts: encoder, network, decision.
-- Inputs:
--   x: 3 words of 2 bits: the features of a sample, word k is feature k.
-- Outputs:
--   sum: 1 word of 3 bits: an integer, unsigned.
-- Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out.
-- Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is
-- l<l>_<k>, register i is r<i>.
-- Instance k of part p is u_<p>_i<k>, its output j <p>_i<k>_o<j>; what is inside of it has the names of
-- its module, and what is around instances is numbered without them.
-- Latency: none, the logic is combinational.
--
-- Features that are words in the network are in the low bits of their words; bits above are not read:
--   features 0 to 1: 2 bits, unsigned; the integer nearest to v,
--     halves down; the lowest or the highest where that is none of them, and 0 for NaN.
--   features 2: 1 bit, unsigned; the integer nearest to v,
--     halves down; the lowest or the highest where that is none of them, and 0 for NaN.
-- Other features are read by nothing.
-- VHDL reserves the word label: a port of that name is label_o here.

-- parts_encoder: compares words with thresholds; 0 LUTs in 0 levels.
library ieee;
use ieee.std_logic_1164.all;

entity parts_encoder is
  port (
    x : in std_logic_vector(5 downto 0);
    bits : out std_logic_vector(4 downto 0)
  );
end entity;

architecture logic of parts_encoder is
  signal x_0_0, x_0_1, x_1_0, x_1_1, x_2_0 : std_logic;
begin
  -- Read by nothing: 1 of the bits of the inputs.
  x_0_0 <= x(0);
  x_0_1 <= x(1);
  x_1_0 <= x(2);
  x_1_1 <= x(3);
  x_2_0 <= x(4);
  bits(0) <= x_0_0;  -- feature 0: bit 0 of its word
  bits(1) <= x_0_1;  -- feature 0: bit 1 of its word
  bits(2) <= x_1_0;  -- feature 1: bit 0 of its word
  bits(3) <= x_1_1;  -- feature 1: bit 1 of its word
  bits(4) <= x_2_0;  -- feature 2: bit 0 of its word
end architecture;

-- parts_fa: a part of which the network has 2 instances; 2 LUTs in 1 level.
library ieee;
use ieee.std_logic_1164.all;

entity parts_fa is
  port (
    i : in std_logic_vector(2 downto 0);
    o : out std_logic_vector(1 downto 0)
  );
end entity;

architecture logic of parts_fa is
  signal i_0, i_1, i_2 : std_logic;
  signal l0_0, l0_1 : std_logic;
begin
  i_0 <= i(0);
  i_1 <= i(1);
  i_2 <= i(2);
  -- Level 0: 2 LUTs.
  l0_0 <= i_1 xor i_0 xor i_2;
  l0_1 <= (i_0 and i_1) or (i_0 and i_2) or (i_1 and i_2);
  o(0) <= l0_0;
  o(1) <= l0_1;
end architecture;

-- parts_network: the look-up tables that were learned; 4 LUTs in 2 levels, instances included: 2 of fa.
library ieee;
use ieee.std_logic_1164.all;

entity parts_network is
  port (
    bits : in std_logic_vector(4 downto 0);
    outputs : out std_logic_vector(2 downto 0)
  );
end entity;

architecture logic of parts_network is
  signal bits_0, bits_1, bits_2, bits_3, bits_4 : std_logic;
  signal fa_i0_o0, fa_i0_o1, fa_i1_o0, fa_i1_o1 : std_logic;
begin
  bits_0 <= bits(0);  -- feature 0: bit 0 of its word
  bits_1 <= bits(1);  -- feature 0: bit 1 of its word
  bits_2 <= bits(2);  -- feature 1: bit 0 of its word
  bits_3 <= bits(3);  -- feature 1: bit 1 of its word
  bits_4 <= bits(4);  -- feature 2: bit 0 of its word
  u_fa_i0 : entity work.parts_fa port map (i(0) => bits_0, i(1) => bits_2, i(2) => bits_4, o(0) => fa_i0_o0, o(1) => fa_i0_o1);
  u_fa_i1 : entity work.parts_fa port map (i(0) => bits_1, i(1) => bits_3, i(2) => fa_i0_o1, o(0) => fa_i1_o0, o(1) => fa_i1_o1);
  outputs(0) <= fa_i0_o0;
  outputs(1) <= fa_i1_o0;
  outputs(2) <= fa_i1_o1;
end architecture;

-- parts_decision: makes the result of the counts; 0 LUTs in 0 levels.
library ieee;
use ieee.std_logic_1164.all;

entity parts_decision is
  port (
    outputs : in std_logic_vector(2 downto 0);
    sum : out std_logic_vector(2 downto 0)
  );
end entity;

architecture logic of parts_decision is
  signal outputs_0, outputs_1, outputs_2 : std_logic;
begin
  outputs_0 <= outputs(0);
  outputs_1 <= outputs(1);
  outputs_2 <= outputs(2);
  sum(0) <= outputs_0;
  sum(1) <= outputs_1;
  sum(2) <= outputs_2;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity parts is
  port (
    x : in std_logic_vector(5 downto 0);
    sum : out std_logic_vector(2 downto 0)
  );
end entity;

architecture logic of parts is
  signal bits : std_logic_vector(4 downto 0);
  signal outputs : std_logic_vector(2 downto 0);
begin
  u_encoder : entity work.parts_encoder port map (x => x, bits => bits);
  u_network : entity work.parts_network port map (bits => bits, outputs => outputs);
  u_decision : entity work.parts_decision port map (outputs => outputs, sum => sum);
end architecture;
