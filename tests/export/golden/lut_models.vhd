-- LUT1 to LUT6: output O is bit I0 + 2 I1 + ... + 32 I5 of INIT. Analyse into library unisim.
library ieee;
use ieee.std_logic_1164.all;

package vcomponents is
  component LUT1
    generic (INIT : bit_vector(1 downto 0) := (others => '0'));
    port (O : out std_logic; I0 : in std_logic);
  end component;
  component LUT2
    generic (INIT : bit_vector(3 downto 0) := (others => '0'));
    port (O : out std_logic; I0, I1 : in std_logic);
  end component;
  component LUT3
    generic (INIT : bit_vector(7 downto 0) := (others => '0'));
    port (O : out std_logic; I0, I1, I2 : in std_logic);
  end component;
  component LUT4
    generic (INIT : bit_vector(15 downto 0) := (others => '0'));
    port (O : out std_logic; I0, I1, I2, I3 : in std_logic);
  end component;
  component LUT5
    generic (INIT : bit_vector(31 downto 0) := (others => '0'));
    port (O : out std_logic; I0, I1, I2, I3, I4 : in std_logic);
  end component;
  component LUT6
    generic (INIT : bit_vector(63 downto 0) := (others => '0'));
    port (O : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
  end component;
end package;

library ieee;
use ieee.std_logic_1164.all;

entity LUT1 is
  generic (INIT : bit_vector(1 downto 0) := (others => '0'));
  port (O : out std_logic; I0 : in std_logic);
end entity;

architecture model of LUT1 is
begin
  process (I0)
    variable half0 : bit_vector(0 downto 0);
  begin
    if I0 = '1' then
      half0 := INIT(1 downto 1);
    else
      half0 := INIT(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity LUT2 is
  generic (INIT : bit_vector(3 downto 0) := (others => '0'));
  port (O : out std_logic; I0, I1 : in std_logic);
end entity;

architecture model of LUT2 is
begin
  process (I0, I1)
    variable half1 : bit_vector(1 downto 0);
    variable half0 : bit_vector(0 downto 0);
  begin
    if I1 = '1' then
      half1 := INIT(3 downto 2);
    else
      half1 := INIT(1 downto 0);
    end if;
    if I0 = '1' then
      half0 := half1(1 downto 1);
    else
      half0 := half1(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity LUT3 is
  generic (INIT : bit_vector(7 downto 0) := (others => '0'));
  port (O : out std_logic; I0, I1, I2 : in std_logic);
end entity;

architecture model of LUT3 is
begin
  process (I0, I1, I2)
    variable half2 : bit_vector(3 downto 0);
    variable half1 : bit_vector(1 downto 0);
    variable half0 : bit_vector(0 downto 0);
  begin
    if I2 = '1' then
      half2 := INIT(7 downto 4);
    else
      half2 := INIT(3 downto 0);
    end if;
    if I1 = '1' then
      half1 := half2(3 downto 2);
    else
      half1 := half2(1 downto 0);
    end if;
    if I0 = '1' then
      half0 := half1(1 downto 1);
    else
      half0 := half1(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity LUT4 is
  generic (INIT : bit_vector(15 downto 0) := (others => '0'));
  port (O : out std_logic; I0, I1, I2, I3 : in std_logic);
end entity;

architecture model of LUT4 is
begin
  process (I0, I1, I2, I3)
    variable half3 : bit_vector(7 downto 0);
    variable half2 : bit_vector(3 downto 0);
    variable half1 : bit_vector(1 downto 0);
    variable half0 : bit_vector(0 downto 0);
  begin
    if I3 = '1' then
      half3 := INIT(15 downto 8);
    else
      half3 := INIT(7 downto 0);
    end if;
    if I2 = '1' then
      half2 := half3(7 downto 4);
    else
      half2 := half3(3 downto 0);
    end if;
    if I1 = '1' then
      half1 := half2(3 downto 2);
    else
      half1 := half2(1 downto 0);
    end if;
    if I0 = '1' then
      half0 := half1(1 downto 1);
    else
      half0 := half1(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity LUT5 is
  generic (INIT : bit_vector(31 downto 0) := (others => '0'));
  port (O : out std_logic; I0, I1, I2, I3, I4 : in std_logic);
end entity;

architecture model of LUT5 is
begin
  process (I0, I1, I2, I3, I4)
    variable half4 : bit_vector(15 downto 0);
    variable half3 : bit_vector(7 downto 0);
    variable half2 : bit_vector(3 downto 0);
    variable half1 : bit_vector(1 downto 0);
    variable half0 : bit_vector(0 downto 0);
  begin
    if I4 = '1' then
      half4 := INIT(31 downto 16);
    else
      half4 := INIT(15 downto 0);
    end if;
    if I3 = '1' then
      half3 := half4(15 downto 8);
    else
      half3 := half4(7 downto 0);
    end if;
    if I2 = '1' then
      half2 := half3(7 downto 4);
    else
      half2 := half3(3 downto 0);
    end if;
    if I1 = '1' then
      half1 := half2(3 downto 2);
    else
      half1 := half2(1 downto 0);
    end if;
    if I0 = '1' then
      half0 := half1(1 downto 1);
    else
      half0 := half1(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;

library ieee;
use ieee.std_logic_1164.all;

entity LUT6 is
  generic (INIT : bit_vector(63 downto 0) := (others => '0'));
  port (O : out std_logic; I0, I1, I2, I3, I4, I5 : in std_logic);
end entity;

architecture model of LUT6 is
begin
  process (I0, I1, I2, I3, I4, I5)
    variable half5 : bit_vector(31 downto 0);
    variable half4 : bit_vector(15 downto 0);
    variable half3 : bit_vector(7 downto 0);
    variable half2 : bit_vector(3 downto 0);
    variable half1 : bit_vector(1 downto 0);
    variable half0 : bit_vector(0 downto 0);
  begin
    if I5 = '1' then
      half5 := INIT(63 downto 32);
    else
      half5 := INIT(31 downto 0);
    end if;
    if I4 = '1' then
      half4 := half5(31 downto 16);
    else
      half4 := half5(15 downto 0);
    end if;
    if I3 = '1' then
      half3 := half4(15 downto 8);
    else
      half3 := half4(7 downto 0);
    end if;
    if I2 = '1' then
      half2 := half3(7 downto 4);
    else
      half2 := half3(3 downto 0);
    end if;
    if I1 = '1' then
      half1 := half2(3 downto 2);
    else
      half1 := half2(1 downto 0);
    end if;
    if I0 = '1' then
      half0 := half1(1 downto 1);
    else
      half0 := half1(0 downto 0);
    end if;
    O <= to_stdulogic(half0(0));
  end process;
end architecture;
