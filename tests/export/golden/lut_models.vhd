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
    variable address : integer range 0 to 1;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    O <= to_stdulogic(INIT(address));
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
    variable address : integer range 0 to 3;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    if I1 = '1' then
      address := address + 2;
    end if;
    O <= to_stdulogic(INIT(address));
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
    variable address : integer range 0 to 7;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    if I1 = '1' then
      address := address + 2;
    end if;
    if I2 = '1' then
      address := address + 4;
    end if;
    O <= to_stdulogic(INIT(address));
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
    variable address : integer range 0 to 15;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    if I1 = '1' then
      address := address + 2;
    end if;
    if I2 = '1' then
      address := address + 4;
    end if;
    if I3 = '1' then
      address := address + 8;
    end if;
    O <= to_stdulogic(INIT(address));
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
    variable address : integer range 0 to 31;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    if I1 = '1' then
      address := address + 2;
    end if;
    if I2 = '1' then
      address := address + 4;
    end if;
    if I3 = '1' then
      address := address + 8;
    end if;
    if I4 = '1' then
      address := address + 16;
    end if;
    O <= to_stdulogic(INIT(address));
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
    variable address : integer range 0 to 63;
  begin
    address := 0;
    if I0 = '1' then
      address := address + 1;
    end if;
    if I1 = '1' then
      address := address + 2;
    end if;
    if I2 = '1' then
      address := address + 4;
    end if;
    if I3 = '1' then
      address := address + 8;
    end if;
    if I4 = '1' then
      address := address + 16;
    end if;
    if I5 = '1' then
      address := address + 32;
    end if;
    O <= to_stdulogic(INIT(address));
  end process;
end architecture;
